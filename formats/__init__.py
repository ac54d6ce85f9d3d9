"""Conversations and presets as files, and back. Pure: knows no store, no network, no page."""
