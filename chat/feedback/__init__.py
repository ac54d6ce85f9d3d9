"""Ratings, votes, and what is computed from them."""
