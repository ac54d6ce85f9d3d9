"""HTML of campaigns and comparisons."""
