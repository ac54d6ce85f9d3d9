"""Accounts in the database: people, sessions, links, what was used, and the audit log."""
