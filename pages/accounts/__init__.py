"""HTML of sign-in, accounts, guest links and API keys."""
