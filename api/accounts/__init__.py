"""Routes and pages of sign-in, accounts, guest links and API keys."""
