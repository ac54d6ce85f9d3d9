"""HTML of regression cases."""
