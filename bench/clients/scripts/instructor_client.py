"""Instructor's modes over OpenAI's client."""

from typing import Any, Literal

import instructor
from openai import OpenAI
from pydantic import BaseModel, Field

from bench.clients.scripts.steps import MAX_TOKENS, MODEL, TIMEOUT_S, run

QUESTION: Any = [{"role": "user", "content": "Ann is 30. Write her as JSON."}]


class Profile(BaseModel):
    name: Literal["Ann", "Bob"]
    age: int = Field(ge=0, le=150)


def client_of(mode: instructor.Mode) -> Any:
    return instructor.from_openai(OpenAI(max_retries=0, timeout=TIMEOUT_S), mode=mode)


def shaped_by(mode: instructor.Mode) -> None:
    profile = client_of(mode).chat.completions.create(
        model=MODEL,
        messages=QUESTION,
        response_model=Profile,
        max_retries=2,
        max_tokens=MAX_TOKENS,
    )
    assert isinstance(profile, Profile)


def tools() -> None:
    shaped_by(instructor.Mode.TOOLS)


def json_schema() -> None:
    shaped_by(instructor.Mode.JSON_SCHEMA)


def partial() -> None:
    *_, last = client_of(instructor.Mode.TOOLS).chat.completions.create_partial(
        model=MODEL, messages=QUESTION, response_model=Profile, max_tokens=MAX_TOKENS
    )
    assert last.name


if __name__ == "__main__":
    run({"tools": tools, "JSON schema": json_schema, "partial answers, streamed": partial})
