"""Routes and pages of campaigns and blind comparisons."""
