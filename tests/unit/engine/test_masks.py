"""Rows with and without a grammar in one batch."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from transformers import Qwen2ForCausalLM

from engine.batching import ContinuousBatch, Layout
from engine.grammar.mask import SLOW_S, Mask
from engine.plain import PlainRunner
from engine.row import Decoding, Row
from engine.sampling import choose_tokens, commit_tokens
from engine.worker import Runner
from tests.grammar import Maker, shape
from tests.tiny import END, tiny_model, tiny_tokenizer

NEW = 24
FREE = Decoding()
(END_ID,) = tiny_tokenizer().encode(END)
SCHEMA = {"type": "array", "items": {"enum": ["红", "绿"]}, "minItems": 2}
PROMPTS = ([5, 6, 7], [9] * 40, [100, 3])


@pytest.fixture(scope="module")
def model() -> Qwen2ForCausalLM:
    return tiny_model()


@pytest.fixture(scope="module")
def maker() -> Maker:
    return Maker()


@pytest.fixture(params=["continuous", "plain"])
def runner(request: pytest.FixtureRequest, model: Qwen2ForCausalLM) -> Runner:
    if request.param == "plain":
        return PlainRunner(model, cache_tokens=1024, chunk=48)
    # A model of its own: the batch changes the attention of its model.
    return ContinuousBatch(tiny_model(), Layout(32, 64, max_rows=8, max_chunk=128))


def rows(masks: Sequence[Mask | None], decoding: Decoding) -> list[Row]:
    return [
        Row(id=f"{place}", prompt_ids=prompt, decoding=decoding, mask=mask)
        for place, (prompt, mask) in enumerate(zip(PROMPTS, masks, strict=True))
    ]


def run(runner: Runner, all_rows: Sequence[Row]) -> None:
    """Run the rows until each has ended, by an end token or by its length."""
    for row in all_rows:
        runner.add(row)
    still = {row.id for row in all_rows}
    while still:
        for row in runner.step():
            ended = row.mask is not None and row.token_ids[-1] == END_ID
            if row.error or ended or len(row.token_ids) == NEW:
                runner.drop(row)
                still.discard(row.id)


@pytest.mark.parametrize("decoding", [Decoding(), Decoding(1.0, seed=3, repetition_penalty=1.3)])
def test_unmasked_rows_are_unchanged_beside_masked_rows(
    runner: Runner, maker: Maker, decoding: Decoding
) -> None:
    without_grammar = rows([None, None, None], decoding)
    run(runner, without_grammar)
    beside = rows([None, maker.mask(shape(SCHEMA)), None], decoding)
    run(runner, beside)
    assert [beside[place].token_ids for place in (0, 2)] == [
        without_grammar[place].token_ids for place in (0, 2)
    ]
    written = b"".join(maker.words[token_id] for token_id in beside[1].token_ids)
    assert maker.accepts(shape(SCHEMA), written) or written.startswith(b'["')
    assert beside[1].token_ids != without_grammar[1].token_ids


def test_after_a_complete_value_only_the_end_token_is_allowed(runner: Runner, maker: Maker) -> None:
    masks = [maker.mask(shape({"const": value})) for value in ("a", 1, None)]
    constants = rows(masks, Decoding(1.0, seed=1))
    for row, length in zip(constants, (3, 1, 4), strict=True):
        runner.add(row)
        while len(row.token_ids) <= length:
            runner.step()
        assert row.token_ids[-1] == END_ID
        runner.drop(row)


def test_a_failing_mask_fails_only_its_row(runner: Runner, maker: Maker) -> None:
    lost = maker.mask(shape(SCHEMA))
    together = rows([None, lost, maker.mask(shape(SCHEMA))], Decoding())
    together[1].token_ids.append(7)  # nothing that its grammar allows
    run(runner, together)
    assert together[1].error is not None
    assert [row.error for row in (together[0], together[2])] == [None, None]
    assert len(together[0].token_ids) == NEW
    assert len(together[2].token_ids) > 1


def test_a_restarted_row_continues_in_its_grammar(runner: Runner, maker: Maker) -> None:
    whole = rows([maker.mask(shape(SCHEMA)) for _ in PROMPTS], Decoding(1.0, seed=5))
    run(runner, whole)
    again = rows([maker.mask(shape(SCHEMA)) for _ in PROMPTS], Decoding(1.0, seed=5))
    for row in again:
        runner.add(row)
    for _ in range(4):
        runner.step()
    runner.reset()
    run(runner, again)
    assert [row.token_ids for row in again] == [row.token_ids for row in whole]


def test_a_failed_step_does_not_advance_the_grammar(maker: Maker) -> None:
    mask = maker.mask(shape({"const": "ab"}))
    row = Row(id="a", prompt_ids=[1], decoding=Decoding(), mask=mask)
    for _ in range(3):  # as if what was chosen had been lost twice
        chosen = choose_tokens(torch.zeros(1, len(maker.words)), [row])
        assert maker.words[int(chosen.token_ids)] == b'"'


def test_the_end_token_is_allowed_early_if_no_other_token_is(maker: Maker) -> None:
    decoding = Decoding(min_new_tokens=9)
    row = Row(
        id="a",
        prompt_ids=[1],
        decoding=decoding,
        end_ids=[END_ID],
        mask=maker.mask(shape({"const": 1})),
    )
    row.token_ids += [maker.words.index(b"1")]
    assert choose_tokens(torch.zeros(1, len(maker.words)), [row]).token_ids == END_ID
    free = Row(id="b", prompt_ids=[1], decoding=decoding, end_ids=[END_ID])
    scores = torch.zeros(1, len(maker.words))
    scores[0, END_ID] = 9
    assert choose_tokens(scores, [free]).token_ids != END_ID


def test_scores_beyond_the_vocabulary_are_never_chosen(maker: Maker) -> None:
    scores = torch.zeros(1, len(maker.words) + 40)
    scores[0, -1] = 9
    row = Row(id="a", prompt_ids=[1], decoding=Decoding(), mask=maker.mask(shape({"const": 1})))
    assert maker.words[int(choose_tokens(scores, [row]).token_ids)] == b"1"


def test_a_row_that_exceeds_a_grammar_limit_does_not_fail_others(maker: Maker) -> None:
    """Nested counts have too many states; the answer must not end as if it were complete."""
    counts = {"type": "string", "pattern": "^((a{1,200}){1,200}){1,200}$"}
    rows_ = rows([maker.mask(shape(counts)), maker.mask(shape({"type": "string"})), None], FREE)
    letter = maker.words.index(b"a")
    while rows_[0].error is None and len(rows_[0].token_ids) < 200:
        scores = torch.zeros(3, len(maker.words))
        scores[:, letter] = 9
        commit_tokens(choose_tokens(scores, rows_), rows_)
    assert rows_[0].error == "the grammar of the answer failed"
    assert END_ID not in rows_[0].token_ids
    assert [row.error for row in rows_[1:]] == [None, None]
    assert {len(row.token_ids) for row in rows_[1:]} == {len(rows_[0].token_ids) + 1}


class SlowMatcher:
    """The matcher of a mask, which spends some time on each of its answers."""

    def __init__(self, mask: Mask, spend: Callable[[], None]) -> None:
        self._matcher = mask._matcher
        self._spend = spend

    def compute_bitmask(self) -> bytes:
        self._spend()
        return bytes(self._matcher.compute_bitmask())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._matcher, name)


def compute() -> None:
    """Use the processor for longer than a mask may."""
    end = time.thread_time() + 1.1 * SLOW_S
    while time.thread_time() < end:
        pass


def wait() -> None:
    """Let the clock go on, as if other processes had the processor."""
    time.sleep(1.1 * SLOW_S)


@pytest.mark.parametrize(
    ("spend", "error"), [(compute, "the grammar of the answer is too slow"), (wait, None)]
)
def test_a_row_fails_whose_mask_takes_too_much_of_the_processor_but_not_of_the_clock(
    maker: Maker, spend: Callable[[], None], error: str | None
) -> None:
    mask = maker.mask(shape(SCHEMA))
    slow: Any = SlowMatcher(mask, spend)
    (row, *_) = rows([Mask(mask._vocabulary, slow), None, None], FREE)
    choose_tokens(torch.zeros(1, len(maker.words)), [row])
    assert row.error == error


def test_masks_are_deterministic(maker: Maker) -> None:
    answers = [maker.draw(shape(SCHEMA), seed) for seed in (1, 1)]
    assert answers[0] is not None
    assert answers[0] == answers[1]


def test_a_character_that_the_decoder_drops_is_never_completed(maker: Maker) -> None:
    mask, begun = maker.mask(shape({"type": "string"})), '"\ufffd'.encode()[:-1]
    written = [maker.words.index(bytes([byte])) for byte in begun]
    allowed = {maker.words[token_id] for token_id in maker.allowed(mask, written)}
    assert b"\xbc" in allowed
    assert b"\xbd" not in allowed
