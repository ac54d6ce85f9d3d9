"""The texts of tables in one language, and the masking of what people wrote."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path

from chat.feedback.models import REASONS
from chat.feedback.table_models import TablesHead
from formats.redaction.redactor import Redactor
from formats.words import ExportLanguage
from i18n import filled

ROOM = Path(__file__).parent

Cell = str | int | float | bool | datetime | None


@cache
def words_of(language: ExportLanguage) -> Mapping[str, str]:
    return tomllib.loads((ROOM / f"tables.{language}.toml").read_text(encoding="utf-8"))


class TableWording:
    """What the cells of one file say. `names` of users are left out of a masked file."""

    def __init__(
        self, head: TablesHead, language: ExportLanguage, redactor: Redactor | None
    ) -> None:
        self.head = head
        self.plan = head.campaign.plan
        self.redactor = redactor
        self._language = language
        self._tasks = {task.id: task.title for task in self.plan.tasks}

    def word(self, key: str, **values: object) -> str:
        return filled(words_of(self._language)[key], **values)

    def column(self, code: str) -> str:
        """The word for a column."""
        for ending, before in (("left_", "left-of"), ("right_", "right-of")):
            if code.startswith(ending):
                return self.word(before, column=self.column(code.removeprefix(ending)))
        if code.endswith("_code"):
            return self.word("code-of", column=self.column(code.removesuffix("_code")))
        return self.word(f"column-{code}")

    def column_info(self, code: str) -> str:
        """What a column means."""
        code, words = code.removeprefix("left_").removeprefix("right_"), words_of(self._language)
        return words.get(f"column-{code}-info", words["code-of-info"])

    def of_code(self, kind: str, code: StrEnum | str | None) -> str:
        """The word for a code, such as "state-finished"; the code itself if it is unknown."""
        return words_of(self._language).get(f"{kind}-{code}", code) if code else ""

    def mask(self, text: str) -> str:
        """What a person or the model wrote, masked if that was asked."""
        return self.redactor.mask(text) if self.redactor else text

    @property
    def masked(self) -> Counter[str]:
        """The number of masked items so far, by placeholder."""
        return self.redactor.masked if self.redactor else Counter()

    def name(self, user_id: str) -> str:
        return "" if self.redactor else self.head.names.get(user_id, "")

    def task(self, task_id: str) -> str:
        return self.mask(self._tasks.get(task_id, ""))

    def tasks(self, task_ids: tuple[str, ...]) -> str:
        """The titles of tasks, one on each line."""
        return "\n".join(self.task(task.id) for task in self.plan.tasks if task.id in task_ids)

    def variant(self, index: int | None) -> str:
        index, variants = self.head.variant_of(index), self.plan.variants
        return self.mask(variants[index].name) if index in range(len(variants)) else ""  # type: ignore[index]  # it is in the range

    def reasons(self, reasons: tuple[str, ...]) -> str:
        """Reasons in words, one on each line; those of a campaign as its host wrote them."""
        return "\n".join(
            self.word(f"reason-{reason}") if reason in REASONS else self.mask(reason)
            for reason in reasons
        )
