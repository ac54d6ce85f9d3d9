"""Routes and pages of ratings and votes."""
