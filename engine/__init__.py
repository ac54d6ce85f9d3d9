"""Runs a model: prompts in, deltas out. The only package that imports torch and transformers."""
