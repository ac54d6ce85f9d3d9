"""The inputs of the page's events: type and bound of each value, in one table.

The page's own script sends nothing else. An invalid event is refused before Gradio sees it: Gradio
would answer 500 and log the whole input.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from chat.conversations.models import Folder
from chat.errors import BadRequest
from chat.validation import MAX_CHARACTERS
from formats.import_report import MAX_NAMED, LeftOut
from i18n import Language

MAX_ID = 300
"""Characters of an id, of an address with an id, or of a request's name."""

MAX_LINE = 4_000
"""Characters of a title, a search, or the reason why the browser could not read a file."""

MAX_TEXT = 1_000_000
"""Characters of a text that the domain checks itself."""

MAX_WORDS = 2 * 2**20
"""Characters of the composer: a message that is too long is refused in the page."""

MOST_FILES = 50
MOST_FIELDS = 50
MOST_READINGS = 30
MOST_NUMBER = 2**53

_UNUSABLE = re.compile("[\0\ud800-\udfff]")

Check = Callable[[object, str], object]
"""Checks a value at a path; returns it, or raises BadRequest."""

Parse = Callable[[int, Mapping[str, Any]], dict[str, Any]]
"""Checks the body of an event, by its number; returns what is passed on. Raises BadRequest."""


def _wrong(where: str, right: str) -> BadRequest:
    return BadRequest(f"{where} should be {right}.", name=where)


def text(longest: int, *, plain: bool = True, optional: bool = False) -> Check:
    """A text. `plain`: without characters that databases refuse; else the domain checks that."""

    def check(value: object, where: str) -> object:
        if value is None and optional:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and plain:
            value = str(value)  # a counter of the script's
        if not isinstance(value, str) or len(value) > longest:
            raise _wrong(where, f"a text of at most {longest:,} characters")
        if plain and _UNUSABLE.search(value):
            raise _wrong(where, "a text without NUL and without half of a surrogate pair")
        return value

    return check


def flag(value: object, where: str) -> object:
    if not isinstance(value, bool):
        raise _wrong(where, "true or false")
    return value


def number(value: object, where: str) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and abs(value) <= MOST_NUMBER:  # type: ignore[arg-type]
        return value
    raise _wrong(where, f"a number from -{MOST_NUMBER} to {MOST_NUMBER}")


def count(value: object, where: str) -> object:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_NUMBER:
        return value
    raise _wrong(where, "a whole number from 0")


def optional(check: Check) -> Check:
    return lambda value, where: value if value is None else check(value, where)


def items(check: Check, most: int) -> Check:
    """A list of such values."""

    def check_all(value: object, where: str) -> object:
        if not isinstance(value, list) or len(value) > most:
            raise _wrong(where, f"a list of at most {most}")
        return [check(item, f"{where}[{place}]") for place, item in enumerate(value)]

    return check_all


def record(*, required: bool = True, **checks: Check) -> Check:
    """An object with these members and no others; without `required` each may be missing."""
    return members(checks, required=required)


def members(checks: Mapping[str, Check], *, required: bool = True) -> Check:
    """As `record`, for names that are no identifiers."""

    def check_members(value: object, where: str) -> object:
        if not isinstance(value, Mapping):
            raise _wrong(where, "an object")
        present = {name: check for name, check in checks.items() if required or name in value}
        return {name: check(value.get(name), f"{where}.{name}") for name, check in present.items()}

    return check_members


def one_of(*values: str) -> Check:
    def check(value: object, where: str) -> object:
        if value not in values:
            raise _wrong(where, " or ".join(map(repr, values)))
        return value

    return check


ID, LINE = text(MAX_ID), text(MAX_LINE)
WORDS = text(MAX_WORDS, plain=False)
NUMBER_TEXT = optional(text(100))
LANGUAGE = one_of(*(language.value for language in Language))
MESSAGE: Mapping[str, Check] = {"message": ID}
PRESET: Mapping[str, Check] = {"preset": ID}
FILE = record(
    required=False,
    id=ID,
    name=LINE,
    text=text(MAX_CHARACTERS * 2, plain=False),
    why=optional(ID),
    pasted=flag,
    replaces=optional(ID),
    encoding=optional(ID),
    readings=optional(items(record(encoding=ID, sample=ID), MOST_READINGS)),
)
PRESET_FIELDS = record(
    required=False,
    name=text(MAX_LINE, optional=True),
    system_prompt=text(MAX_TEXT, optional=True),
    stop=text(MAX_LINE, optional=True),
    shown=text(MAX_LINE, optional=True),
    questions=items(LINE, MOST_FIELDS),
    temperature=NUMBER_TEXT,
    top_p=NUMBER_TEXT,
    top_k=NUMBER_TEXT,
    repetition_penalty=NUMBER_TEXT,
    max_new_tokens=NUMBER_TEXT,
    seed=NUMBER_TEXT,
)
RATING_INPUT = record(
    required=False,
    verdict=optional(ID),
    reasons=optional(items(LINE, MOST_FIELDS)),
    comment=text(MAX_TEXT, plain=False, optional=True),
    correction=text(MAX_TEXT, plain=False, optional=True),
)

EVENT_DATA: Mapping[str, Mapping[str, Check]] = {
    "Composer.attach": {"files": items(FILE, MOST_FILES), "asked": ID},
    "Composer.detach": {"file": ID},
    "Composer.measure": {"files": items(ID, MOST_FILES), "asked": ID, "text": WORDS},
    "Details.answer": MESSAGE,
    "Details.file": {**MESSAGE, "place": count},
    "Details.prompt": MESSAGE,
    "PresetPanel.choose": PRESET,
    "PresetPanel.delete": PRESET,
    "PresetPanel.imported": {"code": ID, "why": LINE},
    "PresetPanel.save": {**PRESET, "fields": PRESET_FIELDS},
    "PresetPanel.share": {**PRESET, "shared": flag},
    "PresetPanel.write": PRESET,
    "RatingPanel.open": {**MESSAGE, "key": ID, "verdict": text(MAX_ID, optional=True)},
    "RatingPanel.rate": {
        **MESSAGE,
        "conversation": ID,
        "opinion": RATING_INPUT,
        "quick": flag,
        "request": ID,
    },
    "Sidebar.archive": {"id": ID, "archived": flag},
    "Sidebar.delete": {"id": ID},
    "Sidebar.destroy": {"id": ID},
    "Sidebar.folder": {"folder": one_of(Folder.CHATS, Folder.ARCHIVE, Folder.TRASH)},
    "Sidebar.found": {"id": ID, **MESSAGE},
    "Sidebar.imported": {
        "code": ID,
        "why": LINE,
        "first": ID,
        "count": count,
        "left_out": record(required=False, **{kind.value: count for kind in LeftOut}),
        "not_read": items(LINE, MAX_NAMED),
        "not_read_count": count,
    },
    "Sidebar.pin": {"id": ID, "pinned": flag},
    "Sidebar.rename": {"id": ID, "seen": LINE, "title": LINE},
    "Sidebar.restore": {"id": ID, "opens": flag},
    "Sidebar.search": {"words": text(MAX_TEXT)},
    "TaskPanel.tick": {"task": ID, "done": flag},
    "Versions.delete_branch": MESSAGE,
    "Versions.delete_turn": MESSAGE,
    "Versions.edit": {**MESSAGE, "text": WORDS, "request": ID},
    "Versions.go_on": MESSAGE,
    "Versions.retry": MESSAGE,
    "Versions.show": MESSAGE,
}
"""The data of an event beside the values of components, by the name of its handler."""

CHOOSING = frozenset({"Sidebar.tick", "Transcript.load"})
"""Handlers that choose a language themselves if the value is null."""


def event_parser(blocks: gr.Blocks) -> Parse:
    """The parser of the bodies of the page's events."""
    triggers = {block for event in blocks.fns.values() for block, _ in event.targets}
    shapes = {
        number: (getattr(event.fn, "__qualname__", ""), _inputs(event))
        for number, event in blocks.fns.items()
    }

    def parse(event: int, body: Mapping[str, Any]) -> dict[str, Any]:
        name, checks = shapes.get(event, ("", ()))
        return {
            "fn_index": event,
            "session_hash": _session(body.get("session_hash")),
            "trigger_id": _trigger(body.get("trigger_id"), triggers),
            "data": _data(body.get("data"), checks),
            "event_data": _event_data(body.get("event_data"), EVENT_DATA.get(name)),
        }

    return parse


def _inputs(event: Any) -> Sequence[Check]:
    if not event.preprocess:  # unchecked here: the handler interprets it
        return [text(MAX_ID, optional=True) for _ in event.inputs]
    chooses = getattr(event.fn, "__qualname__", "") in CHOOSING
    return [_input(component, chooses=chooses) for component in event.inputs]


def _input(component: Component, *, chooses: bool) -> Check:
    """The check of a component's value, as its browser side sends it."""
    match component:
        case gr.State():
            return lambda value, where: None  # kept on the server: the browser's value is dropped
        case gr.Radio():
            return optional(LANGUAGE) if chooses else LANGUAGE
        case gr.Number():
            return optional(number)
        case gr.Textbox():
            return text(MAX_WORDS, plain=False, optional=True)
        case _:
            return text(MAX_ID, optional=True)


def _session(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise _wrong("session_hash", f"a text of 1 to {MAX_ID} characters")
    return value


def _trigger(value: object, known: set[int | None]) -> int | None:
    if value is not None and (type(value) is not int or value not in known):
        raise _wrong("trigger_id", "the number of a component of the page")
    return value


def _data(values: object, checks: Sequence[Check]) -> list[object]:
    if not isinstance(values, list) or len(values) != len(checks):
        raise _wrong("data", f"a list of {len(checks)}")
    pairs = enumerate(zip(checks, values, strict=True))
    return [check(value, f"data[{place}]") for place, (check, value) in pairs]


def _event_data(value: object, checks: Mapping[str, Check] | None) -> object:
    return members(checks)(value, "event_data") if checks else None
