"""Queries of regression cases and runs."""
