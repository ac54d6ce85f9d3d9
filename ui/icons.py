"""The icons as inline SVG: no font, no request, in the colour of the words beside them."""

_THUMB = (
    '<path d="M7.5 11v8.5M7.5 11l3.4-6.3a1.9 1.9 0 0 1 3.5 1.2L13.7 10h4.6a2 2 0 0 1 2 2.4l-1.1 '
    '5.5a2 2 0 0 1-2 1.6H5a1 1 0 0 1-1-1V12a1 1 0 0 1 1-1z"/>'
)

_PATHS = {
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "theme": '<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5v17a8.5 8.5 0 0 0 0-17z" '
    'fill="currentColor"/>',
    "settings": '<path d="M4 8h9M19 8h1M4 16h1M11 16h9"/><circle cx="16" cy="8" r="2.6"/>'
    '<circle cx="8" cy="16" r="2.6"/>',
    "trash": '<path d="M4.5 7h15M10 7V4.5h4V7M6.5 7l.8 12.5h9.4L17.5 7M10 11v5M14 11v5"/>',
    "copy": '<rect x="8.5" y="8.5" width="11" height="11" rx="2.2"/>'
    '<path d="M15.5 8.5V6.7a2.2 2.2 0 0 0-2.2-2.2H6.7a2.2 2.2 0 0 0-2.2 2.2v6.6'
    'a2.2 2.2 0 0 0 2.2 2.2h1.8"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5 20 20"/>',
    "temporary": '<path stroke-dasharray="3.2 2.6" d="M12 4.5a8 7.3 0 1 1-4.2 13.6L4 19.5'
    'l1.2-3.6A8 7.3 0 0 1 12 4.5z"/>',
    "dots": '<circle cx="5.5" cy="12" r="1"/><circle cx="12" cy="12" r="1"/>'
    '<circle cx="18.5" cy="12" r="1"/>',
    "edit": '<path d="M4.5 19.5l1-4L16 5l3 3L8.5 18.5zM13.5 7.5l3 3"/>',
    "retry": '<path d="M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.8v4h-4"/>',
    "up": _THUMB,
    "down": f'<g transform="rotate(180 12 12)">{_THUMB}</g>',
    "check": '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
    "fold": '<path d="M9 5.5l6.5 6.5L9 18.5"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "cross": '<path d="M6 6l12 12M18 6L6 18"/>',
    "file": '<path d="M13.5 3.5H7a1.5 1.5 0 0 0-1.5 1.5v14A1.5 1.5 0 0 0 7 20.5h10a1.5 1.5 0 '
    '0 0 1.5-1.5V8.5zM13.5 3.5v5h5"/>',
}


def icon(name: str, size: int = 18) -> str:
    """The SVG of that name, hidden from screen readers: its button carries the words."""
    return (
        f'<svg aria-hidden="true" width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" '
        f'stroke="currentColor" stroke-width="1.8" stroke-linecap="round" '
        f'stroke-linejoin="round">{_PATHS[name]}</svg>'
    )


def icon_button(action: str, name: str, label: str) -> str:
    """A button that shows an icon and is called `label`."""
    return (
        f'<button class="tool {action}" data-do="{action}" aria-label="{label}" '
        f'title="{label}">{icon(name)}</button>'
    )
