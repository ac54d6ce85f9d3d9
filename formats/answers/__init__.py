"""Answers of the model as HTML: one renderer for the chat, the pages, reports and exports."""
