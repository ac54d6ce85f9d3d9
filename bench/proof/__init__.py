"""Proofs of what the app withstands, as commands: each is bounded, and stays on this machine."""
