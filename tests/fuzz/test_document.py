"""Requests generated from the OpenAPI document, valid and invalid: no 5xx, no hang, no undocumented
response.

QWEN_CHAT_TEST_FUZZ=N makes N of them instead of the gate's few; the seed is printed and may be set.
"""

import os
from collections import Counter
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.fuzz.conftest import TIMEOUT_S

GATE, LONG = 300, 2000
COUNT = int(os.environ.get("QWEN_CHAT_TEST_FUZZ", str(GATE)))
SEED = int(os.environ.get("QWEN_CHAT_TEST_FUZZ_SEED", "20"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
RIGHT, WRONG = GenerationMode
PERCENT = {
    ("POST", "/v1/chat/completions", RIGHT): 25,
    ("POST", "/v1/chat/completions", WRONG): 25,
    ("POST", "/v1/responses", RIGHT): 8,
    ("POST", "/v1/responses", WRONG): 8,
    ("POST", "/v1/completions", RIGHT): 10,
    ("POST", "/v1/completions", WRONG): 10,
    ("POST", "/v1/tokenize", RIGHT): 4,
    ("POST", "/v1/tokenize", WRONG): 4,
    ("POST", "/v1/feedback", RIGHT): 2,
    ("POST", "/v1/feedback", WRONG): 2,
    ("GET", "/v1/models/{model}", RIGHT): 2,  # every text is valid there
}
"""Share of requests per route. GET /v1/models has no parameters to generate."""


@pytest.mark.parametrize(
    "count", [COUNT, pytest.param(LONG, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]
)
@pytest.mark.parametrize(("method", "path", "mode"), PERCENT, ids=str)
def test_no_generated_request_causes_a_server_error(
    address: str, method: str, path: str, mode: GenerationMode, count: int
) -> None:
    document = httpx.get(f"{address}/openapi.json", timeout=TIMEOUT_S).json()
    operation = schemathesis.openapi.from_dict(document)[path][method]
    statuses: Counter[int] = Counter()

    @hypothesis.seed(SEED)
    @settings(
        max_examples=count * PERCENT[method, path, mode] // 100,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        if mode is RIGHT and isinstance(case.body, dict) and "model" in case.body:
            case.body["model"] = "default"  # which no generator would find
        answer = case.call(base_url=address, timeout=TIMEOUT_S)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    ask()
    print(f"seed {SEED}, {method} {path}, {mode.value}: {dict(statuses)}")  # noqa: T201
