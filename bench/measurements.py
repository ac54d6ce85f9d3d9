"""What a measurement gives: a value, and whether it keeps the promise. Knows no engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured value. `limit` is the promise, `at` the side on which it is kept."""

    name: str
    value: float
    unit: str
    at: Literal["most", "least"] | None = None
    limit: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the promise is kept; None when nothing was promised."""
        if self.limit is None:
            return None
        return self.value <= self.limit if self.at == "most" else self.value >= self.limit

    def row(self) -> str:
        """The figure as a line of a Markdown table."""
        sign = {"most": "≤", "least": "≥", None: ""}[self.at]
        promise = f"{sign} {self.limit:.4g} {self.unit}" if self.limit is not None else "–"
        verdict = {True: "yes", False: "NO", None: "–"}[self.is_met]
        return f"| {self.name} | {self.value:.4g} {self.unit} | {promise} | {verdict} |"


def as_markdown(model: str, machine: Mapping[str, str], measurements: Sequence[Measurement]) -> str:
    """A report: on what, and then what."""
    facts = "\n".join(f"- {name}: {value}" for name, value in machine.items())
    rows = "\n".join(measurement.row() for measurement in measurements)
    return (
        f"# {model}\n\n{facts}\n\n"
        f"| figure | measured | promised | kept |\n|---|---|---|---|\n{rows}\n"
    )
