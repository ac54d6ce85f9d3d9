"""docs/api.md lists every supported parameter and every error code."""

import re
from pathlib import Path

import pytest

from api.openai.ignored_fields import HINTS
from api.openai.request_models import ChatRequest
from api.openai.responses.request_models import ResponsesRequest

DOCUMENT = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
CHAT = DOCUMENT[DOCUMENT.index("## POST /v1/chat") : DOCUMENT.index("### Messages")]


RESPONSES = DOCUMENT[DOCUMENT.index("## POST /v1/responses") : DOCUMENT.index("### Items")]


@pytest.mark.parametrize("name", ResponsesRequest.model_fields)
def test_every_parameter_of_responses_is_documented(name: str) -> None:
    rows = "\n".join(re.findall(r"^\| (`.*?) \|", RESPONSES, flags=re.MULTILINE))
    assert f"`{name}`" in rows


@pytest.mark.parametrize("name", ChatRequest.model_fields)
def test_every_chat_parameter_is_documented(name: str) -> None:
    rows = "\n".join(re.findall(r"^\| (`.*?) \|", CHAT, flags=re.MULTILINE))
    assert f"`{name}`" in rows


@pytest.mark.parametrize(
    "name", sorted(HINTS.keys() - ChatRequest.model_fields.keys() - {"content", "prompt"})
)
def test_parameters_with_a_hint_are_documented_as_refused(name: str) -> None:
    assert f"`{name}`" in CHAT


def test_no_unsupported_parameter_is_documented() -> None:
    cells = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", CHAT, flags=re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"\w+", cell)}
    assert named == ChatRequest.model_fields.keys()
