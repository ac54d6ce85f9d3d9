"""The SQL of ratings, campaigns, votes and regression cases."""
