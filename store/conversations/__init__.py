"""Queries of conversations, messages, search and presets."""
