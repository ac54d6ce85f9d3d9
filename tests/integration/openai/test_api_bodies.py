"""Bodies that public clients send, in tests/corpora/api_bodies.jsonl: a line a case.

`status` is the response's, `param` what an error names, `ignored` what the header names. `strict`
is the status with `--api-strict`: 422 where something is ignored, unless it says otherwise.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from api.openai.ignored_fields import HEADER, HINTS, MAX_NAMED, NEUTRAL
from tests.programs import HI, Programs, fault

CORPUS = Path(__file__).parents[2] / "corpora" / "api_bodies.jsonl"
CASES = [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def tolerant() -> Programs:
    return Programs()


@pytest.fixture(scope="module")
def strict() -> Programs:
    return Programs(api_strict=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["case"]))
async def test_a_body_is_answered_or_refused_and_what_was_ignored_is_named(
    tolerant: Programs, case: dict[str, Any]
) -> None:
    answer = await tolerant.client.post(case["path"], json=case["body"])
    assert answer.status_code == case["status"], answer.text
    named = answer.headers.get(HEADER, "")
    assert named.split(", ") == case.get("ignored", [""])
    if "param" in case:
        assert fault(answer)["param"] == case["param"]
    assert "evil" not in answer.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["case"]))
async def test_a_strict_server_refuses_what_it_would_ignore(
    strict: Programs, case: dict[str, Any]
) -> None:
    answer = await strict.client.post(case["path"], json=case["body"])
    ignores = "ignored" in case
    assert answer.status_code == case.get("strict", 422 if ignores else case["status"])


@pytest.mark.parametrize(
    "name", sorted(HINTS.keys() - {"messages", "content", "best_of", "modalities"})
)
async def test_a_refused_field_is_answered_with_what_to_do_instead(
    tolerant: Programs, name: str
) -> None:
    answer = await tolerant.chat(**{name: {"some": "thing"}})
    assert answer.status_code == 422
    assert fault(answer)["param"] == name
    assert HINTS[name] in fault(answer)["message"]


@pytest.mark.parametrize("name", sorted(NEUTRAL.keys() - {"modalities"}))
async def test_a_refused_field_that_asks_for_nothing_is_ignored(
    tolerant: Programs, name: str
) -> None:
    for value in NEUTRAL[name]:
        answer = await tolerant.chat(**{name: value})
        assert answer.status_code == 200
        assert answer.headers[HEADER] == name


async def test_the_header_is_bounded_and_holds_no_line_end(tolerant: Programs) -> None:
    fields = {f"x{number}": 1 for number in range(MAX_NAMED + 1)}
    named = (await tolerant.chat(**fields, **{"a\r\nSet-Cookie: b" + "x" * 900: 1})).headers[HEADER]
    assert named.endswith(", and 2 more")
    assert len(named) < 500
    first = await tolerant.chat(**{"a\r\nSet-Cookie: b" + "x" * 900: 1})
    assert first.headers[HEADER].startswith("a??Set-Cookie:?b")
    assert len(first.headers[HEADER]) == 80
    assert "set-cookie" not in first.headers


async def test_a_stream_names_what_was_ignored_and_an_error_does_not(tolerant: Programs) -> None:
    stream = await tolerant.chat(stream=True, unheard_of=1)
    refused = await tolerant.chat(unheard_of=1, temperature=9)
    assert stream.headers[HEADER] == "unheard_of"
    assert HEADER not in refused.headers


async def test_settings_that_switch_something_off_reach_the_engine_as_such() -> None:
    programs = Programs()
    await programs.chat(top_k=-1, seed=-1, max_tokens=-1, stop="")
    await programs.chat(ignore_eos=True, max_tokens=7)
    (first, second) = programs.engine.samplings
    assert (first.top_k, first.max_new_tokens, first.stop) == (0, None, ())
    assert first.seed is not None
    assert (second.max_new_tokens, second.min_new_tokens) == (7, 7)


async def test_results_reach_the_engine_in_the_order_of_their_calls_without_ids() -> None:
    programs = Programs()
    case = next(case for case in CASES if case["case"].startswith("qwen-agent"))
    await programs.client.post(case["path"], json=case["body"])
    assert [turn.content for turn in programs.engine.prompts[0]] == ["Hi", "", "noon", "one"]


@pytest.mark.parametrize("ids", [("a", "b"), ("a", "a"), (None, None)])
async def test_results_without_ids_answer_the_calls_in_their_order(
    ids: tuple[str | None, str | None],
) -> None:
    programs = Programs()
    calls = [{"id": call_id, "function": {"name": "time", "arguments": "{}"}} for call_id in ids]
    results = [{"role": "tool", "content": content} for content in ("noon", "one")]
    turn = {"role": "assistant", "content": "", "tool_calls": calls}
    answer = await programs.chat(messages=[*HI["messages"], turn, *results])
    assert answer.status_code == 200, answer.text
    assert [turn.content for turn in programs.engine.prompts[0]] == ["Hi", "", "noon", "one"]


async def test_a_refusal_is_read_as_the_answer_that_it_was() -> None:
    programs = Programs()
    for turn in (
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    ):
        await programs.chat(messages=[*HI["messages"], turn, *HI["messages"]])
    assert [prompt[1].content for prompt in programs.engine.prompts] == ["No.", "No."]
