"""Campaigns: plans, variants, participation and blind comparisons."""
