"""Routes and pages of regression cases."""
