"""Structured output: JSON schemas as grammars, and grammars as masks over the next token."""
