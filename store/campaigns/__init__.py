"""Queries of campaigns, participation and comparisons."""
