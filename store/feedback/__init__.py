"""Queries of ratings, results, votes, reports and the dashboard."""
