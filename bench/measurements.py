"""Measured values with limits, and their report as Markdown. Knows no engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured value. `at`: it should be at "most" or at "least" `limit`."""

    name: str
    value: float
    unit: str
    at: Literal["most", "least"] | None = None
    limit: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the value is within the limit; None without a limit."""
        if self.limit is None:
            return None
        return self.value <= self.limit if self.at == "most" else self.value >= self.limit

    def row(self) -> str:
        """The measurement as a row of a Markdown table."""
        sign = {"most": "≤", "least": "≥", None: ""}[self.at]
        promise = f"{sign} {self.limit:.4g} {self.unit}" if self.limit is not None else "–"
        verdict = {True: "yes", False: "NO", None: "–"}[self.is_met]
        return f"| {self.name} | {self.value:.4g} {self.unit} | {promise} | {verdict} |"


def in_turns(name: str, seconds: Mapping[str, float]) -> list[Measurement]:
    """What this checkout and the other one took, and their ratio."""
    return [
        *(Measurement(f"{name}, {which}", value, "s") for which, value in seconds.items()),
        Measurement(f"{name}, this / other", seconds["this"] / seconds["other"], "×"),
    ]


def as_markdown(model: str, machine: Mapping[str, str], measurements: Sequence[Measurement]) -> str:
    """The report: the machine, then the table."""
    facts = "\n".join(f"- {name}: {value}" for name, value in machine.items())
    rows = "\n".join(measurement.row() for measurement in measurements)
    return (
        f"# {model}\n\n{facts}\n\n"
        f"| figure | measured | promised | kept |\n|---|---|---|---|\n{rows}\n"
    )
