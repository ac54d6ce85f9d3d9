"""Queries of people, sessions, links, API keys, usage and the audit log."""
