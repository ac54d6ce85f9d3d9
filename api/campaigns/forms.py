"""The form of a campaign's plan, converted to domain values; the service validates them."""

from dataclasses import fields
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, Json, field_validator

from chat.campaigns.models import Mode, Plan, QuestionKind, SurveyQuestion, Task, Variant
from chat.models import PresetRef, Sampling

Words = Annotated[str, BeforeValidator(lambda value: value or "")]
"""A text field that may be null. The service checks its length."""


FEW = Field(fail_fast=True, max_length=200)
"""Of a list: more than any plan may have, which the service says, and few enough to look at."""


class VariantForm(BaseModel):
    """`preset` is "id@version"."""

    name: Words = ""
    system_prompt: Words = ""
    preset: Words = ""
    engine: Words = ""
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    max_new_tokens: int | None = None
    seed: int | None = None
    stop: Json[tuple[str, ...]] = ()
    presence_penalty: Json[float | None] = None
    frequency_penalty: Json[float | None] = None
    min_new_tokens: Json[int | None] = None

    @field_validator("preset")
    @classmethod
    def _preset(cls, value: str) -> str:
        if value and PresetRef.parse(value) is None:
            raise ValueError('should be "id@version", with a version of at most nine digits')
        return value

    def value(self) -> Variant:
        sampling = self.model_dump(include={item.name for item in fields(Sampling)})
        preset = PresetRef.parse(self.preset)
        return Variant(self.name, self.system_prompt, Sampling(**sampling), preset, self.engine)


class TaskForm(BaseModel):
    id: Words = ""
    title: Words = ""
    instructions: Words = ""
    question: Words = ""
    other_title: Words = ""
    other_instructions: Words = ""
    other_question: Words = ""

    def value(self) -> Task:
        return Task(**self.model_dump())


class SurveyQuestionForm(BaseModel):
    id: Words = ""
    kind: QuestionKind
    text: Words = ""
    low: Words = ""
    high: Words = ""
    options: Words = ""
    other_text: Words = ""
    other_low: Words = ""
    other_high: Words = ""
    other_options: Words = ""

    def value(self) -> SurveyQuestion:
        """Options have one option per line."""
        values = self.model_dump()
        for name in ("options", "other_options"):
            values[name] = tuple(values[name].splitlines())
        return SurveyQuestion(**values)


class PlanForm(BaseModel):
    """`reasons` has one reason per line."""

    title: Words = ""
    mode: Mode
    variants: Annotated[list[VariantForm], FEW]
    tasks: Annotated[list[TaskForm], FEW] = []
    consent: Words = ""
    survey: Annotated[list[SurveyQuestionForm], FEW] = []
    reasons: Words = ""
    thanks: Words = ""
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    keep_days: int | None = None
    language: Words = ""
    other_title: Words = ""
    other_consent: Words = ""
    other_thanks: Words = ""

    def value(self) -> Plan:
        return Plan(
            title=self.title,
            mode=self.mode,
            variants=tuple(variant.value() for variant in self.variants),
            tasks=tuple(task.value() for task in self.tasks),
            consent=self.consent,
            survey=tuple(question.value() for question in self.survey),
            reasons=tuple(self.reasons.splitlines()),
            thanks=self.thanks,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            keep_days=self.keep_days,
            language=self.language,
            other_title=self.other_title,
            other_consent=self.other_consent,
            other_thanks=self.other_thanks,
        )
