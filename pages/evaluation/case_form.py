"""A regression case as a form."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from html import escape

from chat.accounts.models import User
from chat.evaluation.cases import MAX_EXPECTED, MAX_NAME, CaseText
from chat.evaluation.models import Check, CheckKind
from chat.models import ChatMessage, Role
from chat.validation import BOUNDS, MAX_CHARACTERS
from pages.host_nav import host_page
from pages.html import ReaderContext, field, form, hidden

EMPTY = CaseText("", (ChatMessage(Role.SYSTEM, ""), ChatMessage(Role.USER, "")), ())
"""What a new case begins with."""

EMPTY_CHECKS = 3
"""So many more than there are can be filled in at a time."""

NUMBERS = {"temperature": "any", "max_new_tokens": "1", "seed": "1"}
"""Settings that have a field, and its step."""


def case_page(
    reader: ReaderContext, user: User, text: CaseText, *, case_id: str = "", shipped: bool = False
) -> str:
    """Without an id it becomes a new case. A shipped one can be copied, not changed."""
    path = f"/api/cases/{case_id}" if case_id and not shipped else "/api/cases"
    button = "case-copy" if shipped else "save"
    body = f'<p class="banner">{reader.say("case-is-shipped")}</p>' if shipped else ""
    body += form(reader, path, _fields(reader, text), button, then="go", case="")
    if case_id:
        body += _actions(reader, case_id, shipped=shipped)
    title = "case" if case_id else "case-new"
    return host_page(reader, user, title, body, heading=text.name if case_id else "")


def _actions(reader: ReaderContext, case_id: str, *, shipped: bool) -> str:
    body = form(reader, "/api/cases/runs", hidden("case_id", case_id), "case-run", then="go")
    if not shipped:
        sure = reader.say("sure")
        body += form(
            reader, f"/api/cases/{case_id}/delete", "", "case-delete", then="go", sure=sure
        )
    return f'<div class="row choice">{body}</div>'


def _fields(reader: ReaderContext, text: CaseText) -> str:
    checks: list[Check | None] = [*text.checks, *[None] * EMPTY_CHECKS]
    numbers = "".join(
        _number(reader, name, step, getattr(text.sampling, name)) for name, step in NUMBERS.items()
    )
    return (
        field(reader, "name", words="field-case-name", value=text.name, data_longest=MAX_NAME)
        + _cards(reader, "prompt", (_turn(reader, turn) for turn in text.prompt))
        + _cards(reader, "checks", (_check(reader, check) for check in checks))
        + f'<p class="hint">{reader.say("checks-hint")}</p>'
        + _area(reader, "reference", text.reference, longest=MAX_CHARACTERS, rows=6)
        + f"<details><summary>{reader.say('field-case-sampling')}</summary>"
        f'<p class="hint">{reader.say("case-sampling-hint")}</p>'
        f'<div class="numbers">{numbers}</div></details>'
        + hidden("sampling", json.dumps(asdict(text.sampling)))
        + hidden("evidence_id", text.evidence_id)
    )


def _cards(reader: ReaderContext, name: str, cards: Iterable[str]) -> str:
    items = "".join(f"<div data-item>{card}</div>" for card in cards)
    return (
        f"<h3>{reader.say(f'field-case-{name}')}</h3>"
        f'<div class="cards" data-list="{name}" tabindex="-1">{items}</div>'
    )


def _turn(reader: ReaderContext, turn: ChatMessage) -> str:
    calls = json.dumps([asdict(call) for call in turn.calls], ensure_ascii=False)
    said = f"turn-{turn.role}"
    return (
        hidden("role", turn.role)
        + _area(reader, "content", turn.content, longest=MAX_CHARACTERS, rows=3, words=said)
        + hidden("calls", calls)
    )


def _check(reader: ReaderContext, check: Check | None) -> str:
    options = "".join(
        f'<option value="{kind}"{" selected" if check and kind is check.kind else ""}>'
        f"{reader.say(f'check-{kind}')}</option>"
        for kind in CheckKind
    )
    expected = check.expected if check else ""
    return (
        f"<label><span>{reader.say('field-check-kind')}</span>"
        f'<select name="kind"><option value="">–</option>{options}</select></label>'
        + _area(reader, "expected", expected, longest=MAX_EXPECTED, rows=2)
    )


def _area(
    reader: ReaderContext, name: str, value: str, *, longest: int, rows: int, words: str = ""
) -> str:
    # A line end right after the tag is not part of the text: one is given away.
    return (
        f"<label><span>{reader.say(words or f'field-case-{name}')}</span>"
        f'<textarea name="{name}" dir="auto" rows="{rows}" data-longest="{longest}">\n'
        f"{escape(value)}</textarea></label>"
    )


def _number(reader: ReaderContext, name: str, step: str, value: float | None) -> str:
    low, high = BOUNDS[name]
    shown = {} if value is None else {"value": value}
    words = f"field-case-{name}"
    return field(
        reader,
        name,
        kind="number",
        required=False,
        words=words,
        step=step,
        min=low,
        max=high,
        **shown,
    )
