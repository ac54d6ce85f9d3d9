"""Several answers to one request: of one prompt, of several prompts, whole and streamed."""

import json
from typing import Any

import pytest

from chat.accounts.models import LOCAL, Allowance, Principal
from chat.accounts.quotas import QuotaReservation
from chat.serving.completions import CompletionInput
from chat.serving.errors import OutOfMemory, ShuttingDown
from tests.fakes import Script, ScriptedEngine
from tests.programs import Programs, deltas, events, fault, until

PIECES = Script(["Hel", "lo"])


def text_of(answer: Any, index: int) -> str:
    choices = [event["choices"] for event in events(answer) if event != "[DONE]"]
    return "".join(one["text"] for each in choices for one in each if one["index"] == index)


async def test_each_choice_is_an_answer_and_the_prompt_counts_once() -> None:
    programs = Programs(Script(["One"]), Script(["Two!"]))
    body = (await programs.chat(n=2)).json()
    assert [choice["index"] for choice in body["choices"]] == [0, 1]
    assert [choice["message"]["content"] for choice in body["choices"]] == ["One", "Two!"]
    assert body["usage"]["prompt_tokens"] == len("Hi")
    assert body["usage"]["completion_tokens"] == len("OneTwo!")
    assert body["usage"]["total_tokens"] == len("HiOneTwo!")


async def test_each_choice_counts_as_a_request() -> None:
    programs = Programs()
    await programs.chat(n=3)
    assert [summary.reason for summary in programs.seen.summaries] == ["stop"] * 3
    usages = [summary.usage for summary in programs.seen.summaries]
    assert [usage.prompt_tokens for usage in usages if usage] == [2, 2, 2]
    assert programs.idle


async def test_the_choices_of_a_seeded_request_have_seeds_of_their_own() -> None:
    programs = Programs()
    await programs.chat(n=3, seed=2**53 - 2)
    assert sorted(sampling.seed or 0 for sampling in programs.engine.samplings) == [
        0,
        2**53 - 2,
        2**53 - 1,
    ]


async def test_streamed_choices_are_mixed_and_say_to_which_they_belong() -> None:
    programs = Programs(Script(["a", "b"], step_s=0.01))
    answer = await programs.chat(n=2, stream=True, stream_options={"include_usage": True})
    *chunks, last, done = events(answer)
    assert done == "[DONE]"
    assert last["usage"]["completion_tokens"] == 4
    assert {chunk["id"] for chunk in chunks} == {last["id"]}
    for index in (0, 1):
        own = [c["choices"][0] for c in chunks if c["choices"][0]["index"] == index]
        assert own[0]["delta"]["role"] == "assistant"
        assert "".join(choice["delta"].get("content") or "" for choice in own) == "ab"
        assert [choice["finish_reason"] for choice in own if choice["finish_reason"]] == ["stop"]
    assert len(deltas(answer)) == 2 * 4


async def test_several_prompts_are_answered_in_their_order() -> None:
    programs = Programs(*(Script([letter]) for letter in "abcd"))
    body = (await programs.text(["Once", "Twice"], n=2)).json()
    assert [choice["text"] for choice in body["choices"]] == ["a", "b", "c", "d"]
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2, 3]
    assert body["usage"]["prompt_tokens"] == len("OnceTwice")
    assert programs.engine.prepared == ["Once", "Twice"]


async def test_prompts_of_token_ids_are_read_as_they_are() -> None:
    programs = Programs()
    body = (await programs.text([[79, 110], [99]], echo=True)).json()
    assert [choice["text"] for choice in body["choices"]] == ["OnHello", "cHello"]


async def test_more_choices_than_places_follow_when_the_others_end() -> None:
    programs = Programs(Script(["x"], step_s=0.01), max_running=2, max_waiting=0)
    body = (await programs.chat(n=8)).json()
    assert len(body["choices"]) == 8
    assert programs.engine.generated_tokens == 8
    assert programs.idle


@pytest.mark.parametrize("failing", [0, 1])
async def test_a_failed_choice_fails_the_request_and_ends_the_others(failing: int) -> None:
    scripts = [Script(hangs=True), Script(hangs=True)]
    scripts[failing] = Script(error=OutOfMemory())
    programs = Programs(*scripts)
    answer = await programs.chat(n=2)
    assert fault(answer)["code"] == "out_of_memory"
    await until(lambda: programs.idle)


async def test_a_choice_that_was_not_started_is_not_started_after_a_failure() -> None:
    programs = Programs(Script(["x"], error=OutOfMemory()), max_running=1, max_waiting=0)
    answer = await programs.chat(n=4)
    assert fault(answer)["code"] == "out_of_memory"
    await until(lambda: programs.idle)
    assert len(programs.engine.samplings) < 4


class FewPlaces:
    """Quotas of a user who may have one answer at once and none that waits."""

    def __init__(self) -> None:
        self.checked = 0
        self.open = 0

    async def check(self, user_id: str, **more: Any) -> QuotaReservation:
        self.checked += 1
        self.open += 1
        return QuotaReservation(user_id, Allowance(running=1, waiting=0), self)  # type: ignore[arg-type]

    async def spend(self, user_id: str, tokens: int) -> None:
        pass

    def give_back(self, user_id: str) -> None:
        self.open -= 1


async def test_a_user_with_one_place_gets_all_choices_one_after_the_other() -> None:
    quotas = FewPlaces()
    programs = Programs(quotas=quotas)
    assert len((await programs.chat(n=8)).json()["choices"]) == 8
    assert (quotas.checked, quotas.open) == (8, 0)


async def test_what_waits_for_a_place_ends_at_a_shutdown() -> None:
    engine = ScriptedEngine([Script(["x"], hangs=True)])
    programs = Programs(engine=engine, max_running=1)
    inputs = [CompletionInput(f"id-{number}", "Once") for number in range(3)]
    choices = await programs.completions.begin_choices(Principal(LOCAL), inputs)
    await until(lambda: engine.running)
    await programs.completions.close(0)
    for completion in choices.completions:
        with pytest.raises(ShuttingDown):
            await completion.record()
    await until(lambda: programs.idle)
    assert len(engine.samplings) == 1


async def test_repeated_requests_are_answered_from_the_cache_with_all_choices() -> None:
    programs = Programs(cache_bytes=2**20)
    first, again = [(await programs.chat(n=2, seed=1)) for _ in range(2)]
    assert again.headers["x-response-cache"] == "hit"
    assert again.json()["choices"] == first.json()["choices"]
    mixed = await programs.chat(n=3, seed=1)
    assert "x-response-cache" not in mixed.headers
    assert len(mixed.json()["choices"]) == 3
    assert len(programs.engine.samplings) == 3


# The prompt in the answer


async def test_an_echoed_prompt_comes_first_with_its_scores() -> None:
    programs = Programs()
    (choice,) = (await programs.text("Once", echo=True, logprobs=1)).json()["choices"]
    assert choice["text"] == "OnceHello"
    logprobs = choice["logprobs"]
    assert logprobs["tokens"] == list("OnceHello")
    assert logprobs["token_logprobs"] == [None, *[-0.5] * 8]
    assert logprobs["top_logprobs"][:2] == [None, {"a": -0.5}]
    assert logprobs["text_offset"] == list(range(9))


async def test_an_echo_is_streamed_in_the_first_chunk_of_each_choice() -> None:
    answer = await Programs().text(["One", "Two"], echo=True, logprobs=0, stream=True)
    assert [text_of(answer, index) for index in (0, 1)] == ["OneHello", "TwoHello"]
    chunks = [event["choices"][0] for event in events(answer) if event != "[DONE]"]
    for index in (0, 1):
        own = [chunk["logprobs"] for chunk in chunks if chunk["index"] == index]
        assert own[0]["tokens"] == list(("One", "Two")[index])
        assert own[0]["token_logprobs"][0] is None
        assert own[1]["text_offset"] == [3, 4, 5]


async def test_a_prompt_alone_may_be_scored() -> None:
    programs = Programs()
    body = (await programs.text("Once", echo=True, logprobs=0, max_tokens=0)).json()
    (choice,) = body["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("Once", "length")
    assert choice["logprobs"]["tokens"] == list("Once")
    assert body["usage"]["completion_tokens"] == 0
    assert json.dumps(body)


async def test_without_log_probabilities_no_prompt_is_scored() -> None:
    programs = Programs()
    await programs.text("Once", echo=True)
    await programs.text("Once", logprobs=1)
    assert not any(extras.prompt_scores for extras in programs.engine.extras)
