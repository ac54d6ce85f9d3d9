"""Proof of who somebody is, and how often they come: argon2 and rate limits, behind seams."""
