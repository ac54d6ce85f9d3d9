"""Conversations as trees of messages, their turns, attachments and presets."""
