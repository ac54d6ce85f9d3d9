"""Adapters for authentication: password hashes (argon2), OpenID Connect, rate limits."""
