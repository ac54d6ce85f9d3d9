"""Queries of users, sessions, links, API keys, usage and the audit log."""
