"""What every engine promises, and what the two local ones promise beyond a scripted one."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from chat.errors import BadRequest
from chat.models import ChatMessage, Finish, Prompt, Role, Sampling, TokenPrompt
from chat.serving.errors import BadSchema, EngineFailed, EngineNotReady, PromptTooLong
from chat.serving.models import Delta, Phase
from chat.serving.ports import Engine
from chat.tools import NO_EXTRAS, EngineLoad, Extras, JsonShape, Tool, ToolCall, ToolRules
from engine.local import EngineOptions, LocalEngine, Report
from tests.fakes import Script, ScriptedEngine, generate
from tests.tiny import save_tiny_model

pytestmark = pytest.mark.asyncio(loop_scope="module")

Started = Callable[[str], Awaitable[Engine]]

OPTIONS = EngineOptions(device="cpu", context_length=600, max_concurrent=4)
SPREAD = {
    "model.embed_tokens": "cpu",
    "model.layers.0": "cpu",
    "model.layers.1": "disk",
    "model.norm": "cpu",
    "model.rotary_emb": "cpu",
    "lm_head": "cpu",
}
QUESTION = (ChatMessage(Role.SYSTEM, "be brief"), ChatMessage(Role.USER, "你好 👋"))
BEGUN = (*QUESTION, ChatMessage(Role.ASSISTANT, "\n 好的 <|im_end|> so  far \n", partial=True))
ANSWERED = (*QUESTION, replace(BEGUN[-1], partial=False))
CALLED = (
    *QUESTION,
    ChatMessage(Role.ASSISTANT, "", (ToolCall("call_1", "weather", '{"city": "北京"}'),)),
    ChatMessage(Role.TOOL, "18 °C"),
)
TOOL = Tool("weather", "of a city", '{"type": "object"}')
GREEDY = Sampling(temperature=0.0, max_new_tokens=24)


def local_engine(folder: Path, options: EngineOptions = OPTIONS) -> LocalEngine:
    async def fetch(report: Report) -> Path:
        return folder

    return LocalEngine(options, fetch)


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


def build(kind: str, folder: Path) -> Engine:
    makers: dict[str, Callable[[], Engine]] = {
        "scripted": lambda: ScriptedEngine([Script(pieces="hello there"[:24])], ready=False),
        "batched": lambda: local_engine(folder),
        "plain": lambda: local_engine(folder, replace(OPTIONS, device_map=SPREAD)),
    }
    return makers[kind]()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started(tiny_folder: Path) -> AsyncGenerator[Started]:
    """Gives the running engine of a kind, which is one for all tests that only ask it."""
    running: dict[str, Engine] = {}

    async def start(kind: str) -> Engine:
        if kind not in running:
            running[kind] = build(kind, tiny_folder)
            await running[kind].start()
        return running[kind]

    yield start
    for engine in running.values():
        await engine.stop()


@pytest_asyncio.fixture(loop_scope="module", params=["scripted", "batched", "plain"])
async def engine(request: pytest.FixtureRequest, started: Started) -> Engine:
    return await started(request.param)


@pytest_asyncio.fixture(loop_scope="module", params=["batched", "plain"])
async def local(request: pytest.FixtureRequest, started: Started) -> Engine:
    return await started(request.param)


async def answer(
    engine: Engine,
    sampling: Sampling = GREEDY,
    messages: Prompt = QUESTION,
    extras: Extras = NO_EXTRAS,
) -> list[Delta]:
    return [delta async for delta in generate(engine, messages, sampling, extras=extras)]


def text(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def test_an_answer_ends_with_exactly_one_finish_and_usage_and_its_timing(
    engine: Engine,
) -> None:
    deltas = await answer(engine)
    *others, last = deltas
    assert not any(delta.finish or delta.usage for delta in others)
    assert last.finish is not None
    assert last.usage is not None
    assert last.timing is not None
    assert last.usage.completion_tokens == last.completion_tokens
    assert 0 <= last.timing.prefill_s <= last.timing.ttft_s <= last.timing.total_s
    assert last.timing.decode_tokens_per_s > 0
    for early in (delta.timing for delta in others if delta.timing):
        # The usage in the first delta must be correct: a cancelled answer has no other.
        assert early.prefill_s == last.timing.prefill_s
        assert early.reused_prompt_tokens == last.timing.reused_prompt_tokens


async def test_the_count_of_tokens_never_falls(engine: Engine) -> None:
    counts = [delta.completion_tokens for delta in await answer(engine)]
    assert counts == sorted(counts)


@pytest.mark.parametrize("messages", [QUESTION, BEGUN], ids=["question", "begun"])
async def test_a_prepared_prompt_has_the_tokens_of_the_usage(
    engine: Engine, messages: Sequence[ChatMessage]
) -> None:
    last = (await answer(engine, messages=messages))[-1]
    assert last.usage
    assert last.usage.prompt_tokens == (await engine.prepare(messages)).tokens


async def test_a_continued_beginning_counts_as_prompt_and_new_text_as_completion(
    engine: Engine,
) -> None:
    last = (await answer(engine, messages=BEGUN))[-1]
    assert last.usage
    assert GREEDY.max_new_tokens
    assert last.usage.completion_tokens <= GREEDY.max_new_tokens
    begun = len(BEGUN[-1].content)  # each of the engines takes a token for an ASCII letter at least
    assert last.usage.prompt_tokens >= (await engine.prepare(QUESTION)).tokens + begun


async def test_the_rendered_prompt_holds_every_word_in_order(engine: Engine) -> None:
    prompt = await engine.render_prompt((*ANSWERED, ChatMessage(Role.USER, "<tool_call> 👋")))
    places = [prompt.index(words) for words in ("be brief", "你好 👋", BEGUN[-1].content)]
    assert places == sorted(places)
    assert places[-1] < prompt.index("<tool_call> 👋")


async def test_a_continued_answer_is_the_end_of_the_prompt(engine: Engine) -> None:
    assert (await engine.render_prompt(BEGUN)).endswith(BEGUN[-1].content)


async def test_a_whole_answer_at_the_end_is_not_continued(engine: Engine) -> None:
    whole = await engine.prepare(ANSWERED)
    followed = await engine.prepare((*ANSWERED, ChatMessage(Role.USER, "And?")))
    end = whole.prefix_tokens(3)
    assert end == followed.prefix_tokens(3) > 0
    assert list(whole.token_ids[:end]) == list(followed.token_ids[:end])


@pytest.mark.parametrize("messages", [(), (ChatMessage(Role.ASSISTANT, "Hello", partial=True),)])
async def test_an_answer_to_nothing_has_no_prompt(
    engine: Engine, messages: Sequence[ChatMessage]
) -> None:
    with pytest.raises(BadRequest):
        await engine.prepare(messages)
    with pytest.raises(BadRequest):
        await answer(engine, messages=messages)


async def test_info_and_state_report_ready(engine: Engine) -> None:
    assert engine.state.phase is Phase.READY
    assert engine.info
    assert None not in (engine.info.defaults.temperature, engine.info.defaults.max_new_tokens)


@pytest.mark.parametrize(
    ("prompt", "tools"),
    [("Once upon a time", ()), (QUESTION, (TOOL,)), (CALLED, (TOOL,)), (BEGUN, (TOOL,))],
    ids=["text", "tools", "called", "begun"],
)
async def test_the_prompt_has_the_requested_token_ids(
    engine: Engine, prompt: Prompt, tools: Sequence[Tool]
) -> None:
    ids = (await engine.prepare(prompt, tools)).token_ids
    last = (await answer(engine, messages=prompt, extras=Extras(tools=tuple(tools))))[-1]
    assert last.finish
    assert last.usage
    assert last.usage.prompt_tokens == len(ids)
    assert ids == (await engine.prepare(prompt, tools)).token_ids


async def test_a_prompt_of_token_ids_is_the_text_of_these_tokens(engine: Engine) -> None:
    as_text = await engine.prepare("Once 你好")
    prepared = await engine.prepare(TokenPrompt(tuple(as_text.token_ids)))
    assert list(prepared.token_ids) == list(as_text.token_ids)
    assert prepared.prompt == "Once 你好"
    with pytest.raises(BadRequest):
        await engine.prepare(TokenPrompt((2**30,)))


async def test_the_prompt_is_scored_on_request(engine: Engine) -> None:
    extras = Extras(top_logprobs=1, prompt_scores=True)
    prepared = await engine.prepare("Once upon")
    for _ in range(2):  # also where the same prompt was read before
        deltas = await answer(engine, messages="Once upon", extras=extras)
        scores = [score for delta in deltas for score in delta.prompt_scores]
        assert "".join(score.token for score in scores) == "Once upon"
        assert len(scores) == prepared.tokens
        assert all(score.logprob < 0 for score in scores[1:])
        assert any(delta.scores for delta in deltas)


async def test_a_prompt_may_be_read_without_writing_an_answer(engine: Engine) -> None:
    extras = Extras(top_logprobs=0, prompt_scores=True, prompt_only=True)
    deltas = await answer(engine, messages="Once upon", extras=extras)
    last = deltas[-1]
    assert (text(deltas), last.finish, last.completion_tokens) == ("", Finish.LENGTH, 0)
    assert last.usage
    assert last.usage.completion_tokens == 0
    assert last.usage.prompt_tokens == (await engine.prepare("Once upon")).tokens
    assert sum(len(delta.prompt_scores) for delta in deltas) == last.usage.prompt_tokens


async def test_a_bias_of_no_token_is_refused(engine: Engine) -> None:
    with pytest.raises(BadRequest) as refusal:
        await answer(engine, extras=Extras(logit_bias=((2**30, 1.0),)))
    assert refusal.value.values["name"] == "logit_bias"


async def test_bare_text_is_only_tokenised(engine: Engine) -> None:
    one, other, both = [
        (await engine.prepare(text)).token_ids for text in ("one ", "<|im_end|>", "one <|im_end|>")
    ]
    assert [*one, *other] == [*both]


@pytest.mark.parametrize(
    ("prompt", "tools"),
    [("", ()), ("Once", (TOOL,)), (CALLED[:-1], ())],
    ids=["none", "tools", "open"],
)
async def test_a_prompt_that_cannot_be_continued_is_refused(
    engine: Engine, prompt: Prompt, tools: Sequence[Tool]
) -> None:
    with pytest.raises(BadRequest):
        await engine.prepare(prompt, tools)
    with pytest.raises(BadRequest):
        await answer(engine, messages=prompt, extras=Extras(tools=tuple(tools)))


async def test_scores_are_returned_on_request_only(engine: Engine) -> None:
    assert not any(delta.scores or delta.calls for delta in await answer(engine))


@pytest.mark.parametrize("number", [0, 3])
async def test_the_scores_are_those_of_the_text_in_its_order(engine: Engine, number: int) -> None:
    deltas = await answer(engine, extras=Extras(top_logprobs=number))
    scores = [score for delta in deltas for score in delta.scores]
    data = b"".join(score.data for score in scores)
    assert data.decode(errors="ignore") == text(deltas)
    assert all(score.logprob <= 0 for score in scores)
    for score in scores:
        assert len(score.best) == number
        assert [one.logprob for one in score.best] == sorted(
            (one.logprob for one in score.best), reverse=True
        )


async def test_the_load_counts_answers_and_tokens(engine: Engine) -> None:
    before = engine.load
    assert (before.running, before.waiting, before.cache_used) == (0, 0, 0)
    stream = generate(engine, QUESTION, GREEDY)
    async with aclosing(stream):
        while not (await anext(stream)).completion_tokens:
            pass
        assert engine.load.running == 1
        assert 0 <= engine.load.cache_used <= 1
    last = (await answer(engine))[-1]
    async with asyncio.timeout(10):
        while engine.load.running:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
    assert (engine.load.waiting, engine.load.cache_used) == (0, 0)
    assert engine.load.generated_tokens > before.generated_tokens + last.completion_tokens


async def test_a_prompt_beyond_the_context_is_refused_with_its_length(engine: Engine) -> None:
    assert engine.info
    long = (ChatMessage(Role.USER, "x" * engine.info.context_length),)
    with pytest.raises(PromptTooLong) as refusal:
        await answer(engine, messages=long)
    assert refusal.value.values["limit"] == engine.info.context_length
    assert refusal.value.values["tokens"] == (await engine.prepare(long)).tokens


async def test_an_engine_that_was_not_started_refuses(tiny_folder: Path) -> None:
    for kind in ("scripted", "batched"):
        with pytest.raises(EngineNotReady):
            await build(kind, tiny_folder).prepare(QUESTION)
        with pytest.raises(EngineNotReady):
            await build(kind, tiny_folder).render_prompt(QUESTION)
        with pytest.raises(EngineNotReady):
            await build(kind, tiny_folder).prepare("text")
        with pytest.raises(EngineNotReady):
            await answer(build(kind, tiny_folder))
        assert build(kind, tiny_folder).load == EngineLoad()


async def test_a_closed_answer_makes_room_for_the_next(engine: Engine) -> None:
    for _ in range(6):
        async with aclosing(generate(engine, QUESTION, replace(GREEDY, max_new_tokens=400))) as it:
            await anext(it)
    assert (await answer(engine))[-1].finish is not None


async def test_stop_may_be_called_twice_and_before_start(tiny_folder: Path) -> None:
    for kind in ("scripted", "batched"):
        built = build(kind, tiny_folder)
        await built.stop()
        await built.stop()
        assert built.state.phase is Phase.DEAD


async def test_prefixes_of_one_salt_are_not_reused_for_another(
    local: Engine,
) -> None:
    long = (ChatMessage(Role.USER, "salt " * 40),)

    async def last(salt: str) -> tuple[str, int]:
        deltas = [delta async for delta in generate(local, long, GREEDY, salt=salt)]
        assert deltas[-1].timing
        return text(deltas), deltas[-1].timing.reused_prompt_tokens

    answers = [await last(salt) for salt in ("ann", "bob", "ann", "")]
    assert len({words for words, _ in answers}) == 1
    reused = [tokens for _, tokens in answers]
    assert reused[0] == reused[1] == reused[3] == 0
    assert local.info
    assert (reused[2] > 0) == ("one-at-a-time" not in local.info.notes)  # which reuses nothing


async def test_a_shaped_answer_that_ends_has_the_shape(local: Engine) -> None:
    drawn = Sampling(temperature=1.0, max_new_tokens=60)
    for schema in ('{"enum": ["红", "绿", null]}', '{"properties": {"a": {"const": "é"}}}'):
        shaped = Extras(shape=JsonShape(schema))
        deltas = await answer(local, drawn, extras=shaped)
        assert deltas[-1].finish is Finish.STOP
        Draft202012Validator(json.loads(schema)).validate(json.loads(text(deltas)))
    with pytest.raises(BadSchema) as refusal:
        await answer(local, drawn, extras=Extras(shape=JsonShape('{"not": {}}')))
    assert refusal.value.values["where"] == "#/not"


async def test_an_answer_stops_at_its_longest_length(local: Engine) -> None:
    last = (await answer(local, replace(GREEDY, max_new_tokens=7)))[-1]
    assert last.finish is Finish.LENGTH
    assert last.completion_tokens == 7


async def test_no_answer_exceeds_the_context(local: Engine) -> None:
    assert local.info
    long = (ChatMessage(Role.USER, "x" * (local.info.context_length - 40)),)
    last = (await answer(local, replace(GREEDY, max_new_tokens=500), long))[-1]
    assert last.usage
    assert last.usage.prompt_tokens + last.usage.completion_tokens <= local.info.context_length


async def test_an_answer_ends_before_its_stop_string(local: Engine) -> None:
    free = text(await answer(local))
    stop = free[3:5]
    deltas = await answer(local, replace(GREEDY, stop=(stop,)))
    assert text(deltas) == free[: free.index(stop)]
    assert deltas[-1].finish is Finish.STOP


async def test_the_same_seed_gives_the_same_answer_and_another_one_another(local: Engine) -> None:
    seeded = Sampling(temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=24, seed=1)
    others = (seeded, replace(seeded, seed=2), replace(seeded, seed=None))
    first, again, other, unseeded = [
        await answer(local, sampling) for sampling in (seeded, *others)
    ]
    assert text(first) == text(again)
    assert len({text(first), text(other), text(unseeded)}) == 3


async def test_more_questions_than_places_are_all_answered_in_turn(local: Engine) -> None:
    """That each gets its own answer is proved in float32, in tests/unit/test_batching.py."""
    questions = [(ChatMessage(Role.USER, word * 9),) for word in ("a", "中", "z", "9", "é", "!")]
    together = await asyncio.gather(*(answer(local, messages=question) for question in questions))
    assert all(deltas[-1].finish for deltas in together)
    assert len({text(deltas) for deltas in together}) == len(questions)


async def test_waiting_requests_receive_keep_alives(local: Engine) -> None:
    long = (ChatMessage(Role.USER, "y" * 500),)  # a new prompt, which has no cached prefix
    deltas = await answer(local, messages=long)
    assert deltas[0] == Delta()


async def test_the_plain_engine_reports_a_concurrency_of_one(tiny_folder: Path) -> None:
    built = build("plain", tiny_folder)
    await built.start()
    assert built.info
    assert built.info.notes == ("one-at-a-time",)
    assert built.info.max_concurrent == 1
    await built.stop()


async def test_settings_without_meaning_are_refused(local: Engine) -> None:
    for bad in (
        Sampling(temperature=-1.0),
        Sampling(max_new_tokens=0),
        Sampling(frequency_penalty=3.0),
        Sampling(min_new_tokens=8, max_new_tokens=7),
    ):
        with pytest.raises(BadRequest):
            await answer(local, bad)
    with pytest.raises(BadRequest):
        await answer(local, extras=Extras(top_logprobs=21))


async def test_an_answer_has_its_least_length(local: Engine) -> None:
    """The tiny model ends some of its answers early by itself."""
    drawn = Sampling(temperature=2.0, top_k=0, top_p=1.0, max_new_tokens=40, repetition_penalty=1)
    for seed in range(50):
        seeded = replace(drawn, seed=seed)
        if (await answer(local, seeded))[-1].finish is Finish.STOP:
            last = (await answer(local, replace(seeded, min_new_tokens=40)))[-1]
            assert (last.completion_tokens, last.finish) == (40, Finish.LENGTH)
            return
    pytest.fail("no answer was short")


@pytest.mark.parametrize(
    ("cheap", "expensive"),
    [
        (Sampling(presence_penalty=-2.0), Sampling(presence_penalty=2.0)),
        (Sampling(frequency_penalty=-2.0), Sampling(frequency_penalty=2.0)),
    ],
    ids=["presence", "frequency"],
)
async def test_a_repetition_penalty_reduces_repetition(
    local: Engine, cheap: Sampling, expensive: Sampling
) -> None:
    long = replace(GREEDY, repetition_penalty=1.0, max_new_tokens=60, min_new_tokens=60)
    different = [len(set(await written(local, one.over(long)))) for one in (cheap, expensive)]
    assert different[0] < different[1]


async def written(engine: Engine, sampling: Sampling) -> list[bytes]:
    """The tokens of an answer."""
    deltas = await answer(engine, sampling, extras=Extras(top_logprobs=0))
    return [score.data for delta in deltas for score in delta.scores]


async def test_greedy_decoding_takes_the_likeliest_tokens(
    local: Engine,
) -> None:
    plain = replace(GREEDY, repetition_penalty=1.0)
    deltas = await answer(local, plain, extras=Extras(top_logprobs=1))
    for score in (score for delta in deltas for score in delta.scores):
        assert (score.best[0].data, score.best[0].logprob) == (score.data, score.logprob)


@pytest.mark.parametrize("kind", ["batched", "plain"])
async def test_stopping_the_engine_ends_streams_with_an_error(kind: str, tiny_folder: Path) -> None:
    local = build(kind, tiny_folder)
    await local.start()
    stream = generate(local, QUESTION, replace(GREEDY, max_new_tokens=150))
    await anext(stream)
    await local.stop()
    with pytest.raises(EngineFailed):
        async for _ in stream:
            pass


async def test_a_bias_chooses_the_token(local: Engine) -> None:
    (x,) = (await local.prepare("x")).token_ids
    deltas = await answer(local, extras=Extras(logit_bias=((x, 100.0),)))
    assert set(text(deltas)) == {"x"}


async def test_the_end_is_scored_where_the_prompt_is(local: Engine) -> None:
    """Programs count the scores from the end: each token of the usage has one."""
    (end,) = (await local.prepare("<|im_end|>")).token_ids
    biased = Extras(top_logprobs=0, prompt_scores=True, logit_bias=((end, 100.0),))
    deltas = await answer(local, messages="Once", extras=biased)
    scores = [score for delta in deltas for score in delta.scores]
    assert (deltas[-1].finish, deltas[-1].completion_tokens) == (Finish.STOP, 1)
    assert [(score.token, score.data) for score in scores] == [("<|im_end|>", b"")]


async def test_stop_strings_do_not_cut_an_answer_of_a_given_shape(local: Engine) -> None:
    shaped = Extras(shape=JsonShape('{"const": {"a": "b"}}'))
    deltas = await answer(local, replace(GREEDY, stop=("a", "}")), extras=shaped)
    assert json.loads(text(deltas)) == {"a": "b"}


async def test_a_schema_that_cannot_be_enforced_goes_to_the_template_as_it_is(
    local: Engine,
) -> None:
    odd = Tool("odd", "", '{"type": "object", "properties": {"a": {"not": {}}}}')
    assert (await answer(local, extras=Extras(tools=(odd,))))[-1].finish
    for extras in (
        Extras(tools=(odd,), rules=ToolRules(required=True)),
        Extras(tools=(replace(odd, strict=True),)),
    ):
        with pytest.raises(BadSchema) as refusal:
            await answer(local, extras=extras)
        assert str(refusal.value.values["where"]).startswith("odd#")


async def test_with_tools_a_shaped_answer_is_of_that_shape_or_calls(local: Engine) -> None:
    shape = JsonShape('{"const": "<tool_call>"}')
    for seed in range(4):
        drawn = Sampling(temperature=2.0, top_k=0, top_p=1.0, max_new_tokens=60, seed=seed)
        deltas = await answer(local, drawn, extras=Extras(tools=(TOOL,), shape=shape))
        if deltas[-1].finish is Finish.STOP:
            assert json.loads(text(deltas)) == "<tool_call>"
            assert not any(delta.calls for delta in deltas)
        else:
            assert text(deltas) == ""
