"""LaTeX formulas in Markdown, as MathML."""
