"""The regression cases that come with the app: TOML files in `shipped/`, one a language."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chat.evaluation.models import Case, Check, CheckKind
from chat.models import ChatMessage, Role, Sampling

SHIPPED = Path(__file__).parent / "shipped"
SINCE = datetime(2026, 11, 22, tzinfo=UTC)


def load_shipped_cases() -> Sequence[Case]:
    """All shipped cases, without an owner; ids: "shipped.quadratic.en", …"""
    return [
        _read(f"shipped.{name}.{path.stem}", table)
        for path in sorted(SHIPPED.glob("*.toml"))
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items()
    ]


def _read(case_id: str, table: Mapping[str, Any]) -> Case:
    # A misspelt key in the file is an unknown argument here and raises TypeError.
    def case(
        name: str, question: str, checks: Sequence[Mapping[str, str]], max_new_tokens: int
    ) -> Case:
        return Case(
            id=case_id,
            owner_id="",
            name=name,
            prompt=(ChatMessage(Role.USER, question.strip()),),
            checks=tuple(Check(CheckKind(c["kind"]), c.get("expected", "")) for c in checks),
            created_at=SINCE,
            sampling=Sampling(max_new_tokens=max_new_tokens),
        )

    return case(**table)
