"""Masks personal data: names, addresses and numbers."""
