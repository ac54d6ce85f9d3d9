"""Judges answers in a process apart, bounded in time and memory: that is dangerous work."""
