"""How much there is of something, as people read it."""

from chat.conversations.models import Attachment

KIB = 1024


def file_size(item: Attachment) -> str:
    """What a file's text takes in UTF-8."""
    size = len(item.text.encode())
    return f"{size} B" if size < KIB else f"{size / KIB:,.1f} kB"
