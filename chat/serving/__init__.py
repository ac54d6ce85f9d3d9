"""Engines by name, admission, the life cycle of a generation, and completions for programs."""
