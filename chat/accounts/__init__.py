"""People, how they sign in, API keys and quotas."""
