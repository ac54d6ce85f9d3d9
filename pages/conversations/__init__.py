"""Pages of conversations: links to copies, and the copies."""
