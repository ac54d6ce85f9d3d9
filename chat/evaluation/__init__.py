"""Regression cases, runs and verdicts."""
