"""Engines, the queue, the life of one generation, and completions for programs."""
