"""HTML of ratings and votes."""
