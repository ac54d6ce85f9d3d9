"""The form of a regression case."""

import json
from dataclasses import asdict, dataclass

from markupsafe import Markup

from chat.accounts.models import User
from chat.evaluation.models import CaseText, CheckKind
from chat.evaluation.validation import MAX_EXPECTED, MAX_NAME
from chat.models import ChatMessage, Role
from chat.validation import MAX_CHARACTERS
from pages.campaigns.choices import number_field
from pages.host_nav import render_host_page
from pages.html import PageLocale

EMPTY = CaseText("", (ChatMessage(Role.SYSTEM, ""), ChatMessage(Role.USER, "")), ())
"""The initial values of a new case."""

EMPTY_CHECKS = 3
"""Empty cards for further checks after those that the case has."""

NUMBERS = ("temperature", "max_new_tokens", "seed")
"""The sampling settings that have a field."""

LIMITS = {"name": MAX_NAME, "characters": MAX_CHARACTERS, "expected": MAX_EXPECTED}
"""Most characters of the fields."""


@dataclass(frozen=True, slots=True)
class CheckFields:
    """The values of one card of a check; empty for a further one."""

    kind: str = ""
    expected: str = ""


def case_page(
    locale: PageLocale, user: User, text: CaseText, *, case_id: str = "", shipped: bool = False
) -> Markup:
    """Without an id the form makes a new case. A shipped case can be copied, not changed."""
    checks = [CheckFields(check.kind, check.expected) for check in text.checks]
    kinds = [(kind.value, locale.text(f"check-{kind}")) for kind in CheckKind]
    return render_host_page(
        "evaluation/case.html",
        locale,
        user,
        title="case" if case_id else "case-new",
        heading=text.name if case_id else "",
        path=f"/api/cases/{case_id}" if case_id and not shipped else "/api/cases",
        text=text,
        case_id=case_id,
        shipped=shipped,
        checks=[*checks, *[CheckFields()] * EMPTY_CHECKS],
        kinds=[("", "–"), *kinds],
        numbers=[number_field(name, text.sampling) for name in NUMBERS],
        limits=LIMITS,
        calls_json=_calls_json,
        sampling_json=json.dumps(asdict(text.sampling)),
    )


def _calls_json(message: ChatMessage) -> str:
    return json.dumps([asdict(call) for call in message.calls], ensure_ascii=False)
