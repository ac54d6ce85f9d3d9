"""Health, metrics, version checks, the set-up link and the probe for scripts."""
