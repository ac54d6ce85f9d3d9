"""Renders the macros in `templates/`, from which all HTML of exports and reports comes."""

from pathlib import Path

from templating import Templates

html = Templates(Path(__file__).parent / "templates")
"""The HTML of a macro, named as in "report.page": `page` in `templates/report.html`."""
