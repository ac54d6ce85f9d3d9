"""The domain: what a chat is and what happens to a message. Knows no library, no screen, no SQL."""
