"""The continuous batch: each row's answer is independent of the other rows."""

import copy
import time
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import GenerationConfig, Qwen2ForCausalLM
from transformers.utils.import_utils import is_flash_attn_2_available, is_flash_attn_3_available

from engine.batching import ContinuousBatch, Layout, page_size
from engine.plain import PlainRunner
from engine.row import Decoding, Row
from engine.schedule import READING_GOAL_S
from engine.worker import Runner
from tests.tiny import tiny_config, tiny_model

NEW = 40
LENGTHS = (1, 3, 17, 31, 32, 33, 64, 100, 257, 513)
PENALTY = 1.3


@pytest.fixture(scope="module")
def model() -> Qwen2ForCausalLM:
    return tiny_model(1000)


@pytest.fixture(scope="module")
def prompts() -> list[list[int]]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(1, 1000, (size,), generator=generator).tolist() for size in LENGTHS]


def generate(model: Qwen2ForCausalLM, prompt: list[int], **settings: float) -> list[int]:
    """The greedy answers of transformers' `generate`, one prompt at a time."""
    config = GenerationConfig(
        max_new_tokens=NEW, do_sample=False, eos_token_id=None, pad_token_id=0, **settings
    )
    ids = torch.tensor([prompt])
    untyped: Any = model
    output = untyped.generate(ids, generation_config=config, attention_mask=torch.ones_like(ids))
    answer: list[int] = output[0, len(prompt) :].tolist()
    return answer


def rows_of(prompts: Sequence[list[int]], decodings: Sequence[Decoding]) -> list[Row]:
    return [
        Row(id=f"{place}-{number}", prompt_ids=prompt, decoding=decoding)
        for place, prompt in enumerate(prompts)
        for number, decoding in enumerate(decodings)
    ]


def run(runner: Runner, rows: Sequence[Row], tokens: int = NEW) -> list[list[int]]:
    """Run all rows in one batch; return their answers."""
    for row in rows:
        runner.add(row)
    open_rows = {row.id for row in rows}
    while open_rows:
        for row in runner.step():
            assert row.error is None
            if len(row.token_ids) == tokens:
                runner.drop(row)
                open_rows.discard(row.id)
    return [row.token_ids for row in rows]


def batch(
    model: Qwen2ForCausalLM, *, page: int = 32, tokens: int = 16_384, chunk: int = 128
) -> ContinuousBatch:
    layout = Layout(page, tokens // page, max_rows=64, max_chunk=chunk)
    # A copy: the batch changes the attention of its model, and `generate` needs the usual one.
    return ContinuousBatch(copy.deepcopy(model), layout)


@pytest.fixture(params=["continuous", "plain"])
def runner(request: pytest.FixtureRequest, model: Qwen2ForCausalLM) -> Runner:
    plain = request.param == "plain"
    return PlainRunner(model, cache_tokens=4096, chunk=48) if plain else batch(model)


def test_greedy_rows_equal_generate_token_for_token(
    runner: Runner, model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    together = run(runner, rows_of(prompts, [Decoding()]))
    assert together == [generate(model, prompt) for prompt in prompts]


def test_rows_with_a_repetition_penalty_equal_generate(
    runner: Runner, model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    together = run(runner, rows_of(prompts, [Decoding(repetition_penalty=PENALTY)]))
    assert together == [generate(model, p, repetition_penalty=PENALTY) for p in prompts]
    assert together != [generate(model, prompt) for prompt in prompts]


def test_the_first_token_of_a_prompt_changes_the_answer(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    """Otherwise the equalities above would prove nothing."""
    for prompt in prompts:
        other = [prompt[0] % 999 + 1, *prompt[1:]]
        assert generate(model, other) != generate(model, prompt)


MIXED = (
    Decoding(),
    Decoding(repetition_penalty=PENALTY),
    Decoding(temperature=0.9, top_k=50, top_p=0.95, seed=7),
    Decoding(temperature=1.3, top_k=0, top_p=0.9, repetition_penalty=1.1, seed=8),
)


def generated_alone(model: Qwen2ForCausalLM, row: Row) -> list[int]:
    return run(batch(model), [Row(row.id, row.prompt_ids, row.decoding)])[0]


@pytest.fixture(scope="module")
def one_by_one(model: Qwen2ForCausalLM, prompts: list[list[int]]) -> list[list[int]]:
    """The answers of rows with different settings, each in a batch of its own."""
    return [generated_alone(model, row) for row in rows_of(prompts[::4], MIXED)]


@pytest.mark.parametrize(("page", "chunk"), [(16, 64), (32, 128), (256, 1024)])
def test_rows_with_different_settings_do_not_affect_each_other(
    model: Qwen2ForCausalLM,
    prompts: list[list[int]],
    one_by_one: list[list[int]],
    page: int,
    chunk: int,
) -> None:
    together = run(batch(model, page=page, chunk=chunk), rows_of(prompts[::4], MIXED))
    assert together == one_by_one


def test_the_order_of_the_rows_does_not_matter(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    forward = run(batch(model), rows_of(prompts[2:7], MIXED))
    backward = run(batch(model), rows_of(prompts[2:7], MIXED)[::-1])
    assert forward == backward[::-1]


def test_rows_evicted_from_the_cache_continue_unchanged(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    rows = rows_of(prompts, MIXED)
    roomy = run(batch(model), rows_of(prompts, MIXED))
    assert sum(len(row.prompt_ids) + NEW for row in rows) > 2 * 1024
    assert run(batch(model, page=16, tokens=1024), rows) == roomy


def test_a_row_restarted_in_the_middle_keeps_its_random_sequence(
    runner: Runner, model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    for decoding in MIXED:
        whole = run(runner, [Row("whole", prompts[5], decoding)])[0]
        half = Row("half", prompts[5], decoding)
        run(runner, [half], tokens=NEW // 2)
        runner.reset()
        assert run(runner, [half])[0] == whole


def test_the_second_turn_reuses_the_tokens_of_the_first(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    runner = batch(model)
    first = Row("first", prompts[8], Decoding())
    answer = run(runner, [first])[0]
    second = Row("second", [*prompts[8], *answer, 5, 6, 7], Decoding())
    assert run(runner, [second])[0] == generate(model, list(second.prompt_ids))
    assert first.reused_prompt_tokens == 0
    assert second.reused_prompt_tokens is not None
    assert second.reused_prompt_tokens >= len(prompts[8])


def test_a_cached_prompt_is_reused_by_the_same_salt_only_with_equal_answers(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    runner = batch(model)
    reused: dict[str, list[int | None]] = {"": [], "ann": [], "bob": []}
    for turn in range(2):
        for salt, counts in reused.items():
            row = Row(f"{salt} {turn}", prompts[9], Decoding(), salt)
            assert run(runner, [row])[0] == generate(model, prompts[9])
            counts.append(row.reused_prompt_tokens)
    assert reused == {salt: [0, 512] for salt in reused}


def test_rows_with_different_salts_do_not_share_while_they_run(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    runner = batch(model)
    rows = [Row(salt, prompts[8], Decoding(), salt) for salt in ("ann", "bob", "cho")]
    assert run(runner, rows) == [generate(model, prompts[8])] * 3
    hashes = runner._processor.cache.cache_allocators.values()
    pages = (len(prompts[8]) + NEW - 1) // 32
    assert [len(allocator.ledger.hash_to_block) for allocator in hashes] == [3 * pages]


def test_salts_still_separate_rows_after_cache_eviction(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    def salted() -> list[Row]:
        return [
            Row(f"{salt} {place}", prompt, Decoding(), salt)
            for place, prompt in enumerate(prompts)
            for salt in ("ann", "bob", "cho", "dan")
        ]

    assert run(batch(model, page=16, tokens=1024), salted()) == run(batch(model), salted())


def test_a_dropped_row_leaves_nothing_behind(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    runner = batch(model)
    waiting, reading, writing = (
        Row(name, prompts[place], Decoding(temperature=1.0, top_k=5, repetition_penalty=1.1))
        for name, place in (("waiting", 7), ("reading", 9), ("writing", 6))
    )
    runner.add(writing)
    runner.step()
    runner.add(reading)
    runner.step()
    assert writing.token_ids
    assert not reading.token_ids
    runner.add(waiting)
    for row in (waiting, reading, writing):
        runner.drop(row)
    assert runner.step() == []
    scheduler = runner._processor.scheduler
    assert not runner._rows
    assert not scheduler.has_pending_requests()
    assert not scheduler.waiting_requests_order
    scheduler.cache.evict_cached_blocks()
    scheduler.cache.pool.try_to_free_sectors()
    assert scheduler.cache.compute_free_capacity() == 1.0


class SlowToBegin(Qwen2ForCausalLM):
    """A model whose first two passes are so slow that steps shrink to the minimum."""

    passes = 0

    def forward(self, input_ids: torch.Tensor, **settings: Any) -> Any:
        self.passes += 1
        if self.passes <= 2:
            time.sleep(2 * READING_GOAL_S)
        return super().forward(input_ids=input_ids, **settings)


def test_all_rows_progress_and_prompts_are_read_with_the_smallest_steps() -> None:
    model = SlowToBegin(tiny_config(1000))
    model.train(False)
    runner = batch(model, chunk=64)
    crowd = [Row(str(number), [number + 1], Decoding()) for number in range(63)]
    late = Row("late", list(range(1, 100)), Decoding())
    for row in (*crowd, late):
        runner.add(row)
    for _ in range(12):
        runner.step()
    assert min(len(row.token_ids) for row in crowd) >= 9
    assert late.token_ids


def test_a_short_prompt_is_answered_while_a_long_one_is_read(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    runner = batch(model, chunk=64)
    long = Row("long", prompts[9] * 8, Decoding())
    runner.add(long)
    runner.step()
    short, shorter = Row("short", prompts[3], Decoding()), Row("shorter", prompts[1], Decoding())
    for row in (short, shorter):
        runner.add(row)
    assert set(map(id, runner.step())) == {id(short), id(shorter)}
    assert not long.token_ids
    while not long.token_ids:
        assert len(runner.step()) >= 2  # the others go on writing
    assert long.token_ids == generate(model, list(long.prompt_ids))[:1]


def test_prompts_that_begin_alike_are_read_once_although_they_come_together(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    runner = batch(model, chunk=96)
    rows = [Row(str(n), [*prompts[9], n + 1], Decoding()) for n in range(4)]
    assert run(runner, rows) == [generate(model, list(row.prompt_ids)) for row in rows]
    # All but what a step had left when the first one ended.
    assert all((row.reused_prompt_tokens or 0) >= 512 - 96 for row in rows[1:])


def test_a_second_turn_counts_only_what_is_new_of_it(
    model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    runner = batch(model, chunk=96)
    before = Row("before", prompts[9], Decoding())
    run(runner, [before])
    runner.add(Row("long", prompts[8] * 9, Decoding()))
    fresh = Row("fresh", prompts[7] * 2, Decoding())
    again = Row("again", [*prompts[9], 1, 2, 3], Decoding())
    runner.add(fresh)
    runner.add(again)
    assert [row.id for row in runner.step()] == ["again"]


def test_pages_are_small_without_flash_attention() -> None:
    if is_flash_attn_3_available() or is_flash_attn_2_available():
        pytest.skip("flash attention is installed here")
    assert page_size("cuda") == page_size("cpu") == 32


@torch.no_grad()
def expected_scores(model: Qwen2ForCausalLM, prompt: list[int]) -> torch.Tensor:
    """The log-probabilities of a prompt's tokens from the second on."""
    untyped: Any = model
    logits: torch.Tensor = untyped(torch.tensor([prompt])).logits[0, :-1].float()
    return logits.log_softmax(-1).gather(-1, torch.tensor(prompt[1:])[:, None])[:, 0]


def scored_row(number: int, prompt: list[int]) -> Row:
    return Row(
        id=f"scored {number}",
        prompt_ids=prompt,
        decoding=Decoding(),
        salt=f"scored {number}",
        top_logprobs=2,
        scores_prompt=True,
    )


def test_the_scores_of_a_prompt_are_the_models_log_probabilities(
    runner: Runner, model: Qwen2ForCausalLM, prompts: list[list[int]]
) -> None:
    """Beside other rows, over several steps, and also where the same prompt was read before."""
    twice = [*prompts, prompts[-1]]
    scored = [scored_row(number, prompt) for number, prompt in enumerate(twice)]
    others = rows_of(prompts[:3], [Decoding()])
    answers = run(runner, [*others, *scored], tokens=3)
    expected = {len(prompt): expected_scores(model, prompt) for prompt in prompts if prompt[1:]}
    for row in scored:
        assert len(row.prompt_scores) == len(row.prompt_ids) - 1
        found = torch.tensor([score.logprob for score in row.prompt_scores])
        if len(row.prompt_ids) > 1:
            torch.testing.assert_close(found, expected[len(row.prompt_ids)], atol=1e-3, rtol=1e-3)
        for score in row.prompt_scores:
            assert score.best[0][1] >= max(score.best[1][1], score.logprob)
    assert answers[len(others) :] == [generate(model, prompt)[:3] for prompt in twice]


def test_a_prompt_that_is_read_again_after_a_failure_is_scored_once(
    runner: Runner, prompts: list[list[int]]
) -> None:
    row = scored_row(0, prompts[-1])
    runner.add(row)
    runner.step()
    runner.reset()
    run(runner, [row], tokens=1)
    assert len(row.prompt_scores) == len(row.prompt_ids) - 1


def test_a_model_with_sliding_windows_equals_generate_too(prompts: list[list[int]]) -> None:
    config = tiny_config(1000)
    config.layer_types = ["full_attention", "sliding_attention"]
    config.sliding_window = 64
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(config).eval()
    together = run(batch(model), rows_of(prompts[4:9], [Decoding()]))
    assert together == [generate(model, prompt) for prompt in prompts[4:9]]
