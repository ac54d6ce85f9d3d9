"""The sampler, compared with a slow reference implementation of its definition."""

import math
from collections import Counter

import pytest
import torch

from chat.errors import BadRequest
from chat.models import Sampling
from engine.row import Decoding, Row, decoding_of
from engine.sampling import choose_tokens, commit_tokens

VOCABULARY = 200


def row(prompt: list[int] | None = None, **settings: float | int) -> Row:
    return Row("row", prompt or [1, 2, 3], Decoding(**settings))  # type: ignore[arg-type]  # by name


def scores(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, VOCABULARY, generator=generator) * 3


def distribution(logits: torch.Tensor, decoding: Decoding, seen: list[int]) -> torch.Tensor:
    """Probabilities as the libraries define them: penalty, temperature, top-k, top-p."""
    logits = logits.double().clone()
    for token in set(seen):
        positive = logits[token] > 0
        factor = decoding.repetition_penalty
        logits[token] = logits[token] / factor if positive else logits[token] * factor
    probabilities = (logits / decoding.temperature).softmax(-1)
    order = probabilities.argsort(descending=True)
    candidates = order[: decoding.top_k or None]
    weights = probabilities[candidates] / probabilities[candidates].sum()
    before = weights.cumsum(0) - weights
    candidates = candidates[(before < decoding.top_p) | (torch.arange(len(candidates)) == 0)]
    chosen = torch.zeros_like(probabilities)
    chosen[candidates] = probabilities[candidates]
    return chosen / chosen.sum()


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.7, "top_k": 20, "top_p": 0.8, "repetition_penalty": 1.3},
        {"temperature": 1.5, "top_k": 5},
        {"temperature": 1.0, "top_p": 0.5},
        {"temperature": 1.0, "top_k": 0, "top_p": 1.0},
        {"temperature": 1.0, "top_k": 0, "top_p": 0.0},
    ],
)
def test_tokens_are_sampled_from_the_settings_distribution(
    settings: dict[str, float],
) -> None:
    draws = 4000
    rows = [row(seed=seed, **settings) for seed in range(draws)]  # type: ignore[arg-type]
    token_ids, valid, _ = choose_tokens(scores().repeat(draws, 1), rows)
    expected = distribution(scores()[0], rows[0].decoding, [1, 2, 3])
    counts = Counter(token_ids.tolist())
    assert valid.all()
    assert all(expected[token] > 0 for token in counts)
    for token, share in enumerate(expected.tolist()):
        spread = 5 * (share * (1 - share) / draws) ** 0.5 + 1e-9
        assert abs(counts[token] / draws - share) <= spread


def test_sampling_does_not_depend_on_other_rows_settings() -> None:
    rows = [
        row(temperature=0.9, top_k=20, top_p=0.9, seed=3),
        row(temperature=2.0, top_k=0, seed=4),
        row(),
        row(temperature=1.1, top_k=100, repetition_penalty=1.2, seed=5),
    ]
    batch = torch.cat([scores(seed) for seed in range(4)])
    together = choose_tokens(batch.clone(), rows).token_ids.tolist()
    one_by_one = [
        choose_tokens(batch[place : place + 1].clone(), [one]).token_ids.item()
        for place, one in enumerate(rows)
    ]
    assert together == one_by_one


def test_equal_scores_are_ordered_by_token_id() -> None:
    """bfloat16 makes many scores equal."""
    flat = torch.zeros(1, VOCABULARY)
    narrow, wide = row(temperature=1.0, top_k=200, seed=1), row(temperature=1.0, top_k=0, seed=1)
    chosen = [
        choose_tokens(flat.clone(), [narrow]).token_ids.tolist(),
        choose_tokens(flat.clone(), [wide]).token_ids.tolist(),
        choose_tokens(flat.repeat(2, 1), [narrow, wide]).token_ids.tolist()[:1],
    ]
    assert chosen[0] == chosen[1] == chosen[2]


def test_the_penalty_counts_the_tokens_of_the_answer_too() -> None:
    one = row(repetition_penalty=100.0)
    best = int(scores().argmax())
    assert choose_tokens(scores(), [one]).token_ids.item() == best
    one.token_ids.append(best)
    assert choose_tokens(scores(), [one]).token_ids.item() != best


def test_nan_scores_affect_their_own_row_only() -> None:
    batch = torch.cat([scores(), torch.full((1, VOCABULARY), torch.nan), scores()])
    rows = [row(), row(temperature=1.0, top_k=5, seed=1), row(temperature=1.0, top_k=5, seed=1)]
    chosen = choose_tokens(batch, rows)
    assert chosen.valid.tolist() == [True, False, True]
    assert chosen.token_ids[0] == scores().argmax()


def test_an_error_in_one_row_does_not_affect_the_others() -> None:
    bad = row(prompt=[VOCABULARY + 1], repetition_penalty=1.2)
    good = row()
    chosen = choose_tokens(scores().repeat(2, 1), [bad, good])
    assert bad.error
    assert good.error is None
    assert chosen.token_ids[1] == scores().argmax()


def test_a_very_low_temperature_is_nearly_greedy() -> None:
    cold = row(temperature=1e-8, top_k=50, seed=9)
    assert choose_tokens(scores(), [cold]).token_ids.item() == scores().argmax()


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"top_p": 1.5},
        {"top_k": -1},
        {"repetition_penalty": 0.0},
        {"presence_penalty": 2.1},
        {"frequency_penalty": -2.1},
        {"frequency_penalty": float("nan")},
        {"min_new_tokens": -1},
    ],
)
def test_settings_without_meaning_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadRequest):
        decoding_of(Sampling(**settings))  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("penalties", [(1.5, 0.0), (0.0, 0.7), (-0.5, 1.25), (2.0, -2.0)])
def test_presence_and_frequency_penalties_follow_openais_formula(
    penalties: tuple[float, float],
) -> None:
    """Each in a row of its own, beside a row without penalties; and with repetition_penalty."""
    presence, frequency = penalties
    answer = [7, 9, 9, 9, 11]
    batch = scores().repeat(3, 1)
    rows = [
        row(presence_penalty=presence, frequency_penalty=frequency, temperature=1.0, seed=1),
        row(),
        row(presence_penalty=presence, frequency_penalty=frequency, repetition_penalty=1.3),
    ]
    for one in rows:
        one.token_ids += answer
    choose_tokens(batch, rows)
    for place, factor in ((0, 1.0), (1, 1.0), (2, 1.3)):
        expected = scores()[0]
        for token in {1, 2, 3, *answer}:
            expected[token] *= factor if expected[token] < 0 else 1 / factor
        for token, count in Counter(answer).items() if place != 1 else ():
            expected[token] -= presence + frequency * count
        torch.testing.assert_close(batch[place], expected)


def test_frequency_counts_survive_a_restart_of_the_row() -> None:
    one = row(frequency_penalty=1.0)
    for token in (5, 5, 6):
        choose_tokens(scores(), [one])
        one.token_ids.append(token)
    again = Row("row", [1, 2, 3], one.decoding, token_ids=[5, 5, 6])
    batch = scores().repeat(2, 1)
    choose_tokens(batch, [one, again])
    assert torch.equal(batch[0], batch[1])
    assert batch[0, 5] == scores()[0, 5] - 2


def test_no_end_token_is_chosen_before_the_minimum_length() -> None:
    best, second = scores()[0].topk(2).indices.tolist()
    held = Row("row", [1], Decoding(min_new_tokens=2), end_ids={best, VOCABULARY - 1})
    for expected in (second, second, best):
        beside = row()
        commit_tokens(choose_tokens(scores().repeat(2, 1), [held, beside]), [held, beside])
        assert held.token_ids[-1] == expected
        assert beside.token_ids == [best]


def test_log_probabilities_are_taken_before_the_sampling_settings() -> None:
    rows = [
        Row("a", [1], Decoding(), top_logprobs=3),
        Row("b", [1], Decoding(), top_logprobs=None),
        Row("c", [1], Decoding(temperature=0.3, top_k=5, repetition_penalty=1.5), top_logprobs=0),
        Row("d", [1], Decoding(min_new_tokens=1), end_ids=range(VOCABULARY - 1), top_logprobs=20),
    ]
    batch = torch.cat([scores(seed) for seed in range(4)])
    commit_tokens(choose_tokens(batch.clone(), rows), rows)
    assert [len(one.scores) for one in rows] == [1, 0, 1, 1]
    assert rows[3].token_ids == [VOCABULARY - 1]
    for place, one in enumerate(rows):
        logprobs = batch[place].log_softmax(-1)
        for score in one.scores:
            assert score.logprob == pytest.approx(logprobs[one.token_ids[0]].item())
            assert len(score.best) == one.top_logprobs
            best = logprobs.topk(one.top_logprobs or 0)
            assert [token for token, _ in score.best] == best.indices.tolist()
            assert [value for _, value in score.best] == pytest.approx(best.values.tolist())


def test_nan_scores_are_not_reported() -> None:
    bad = Row("row", [1], Decoding(), top_logprobs=2)
    good = Row("row", [1], Decoding(), top_logprobs=2)
    batch = torch.cat([torch.full((1, VOCABULARY), torch.nan), scores()])
    commit_tokens(choose_tokens(batch, [bad, good]), [bad, good])
    assert bad.error
    assert (bad.token_ids, bad.scores) == ([], [])
    assert len(good.scores) == len(good.token_ids) == 1


def test_a_bias_moves_a_token_up_or_out_also_without_a_temperature() -> None:
    best = int(scores().argmax())
    up, out = row(), row()
    up.decoding = Decoding(logit_bias=((7, 100.0),))
    out.decoding = Decoding(logit_bias=((best, -100.0),))
    chosen = choose_tokens(scores().repeat(3, 1), [up, out, row()]).token_ids.tolist()
    assert chosen[0] == 7
    assert chosen[1] != best
    assert chosen[2] == best


@pytest.mark.parametrize("min_p", [0.0, 0.05, 0.3, 1.0])
def test_min_p_leaves_out_what_is_less_likely_than_its_share_of_the_best(min_p: float) -> None:
    draws = 2000
    rows = [row(seed=seed, temperature=5.0, min_p=min_p) for seed in range(draws)]
    drawn = set(choose_tokens(scores().repeat(draws, 1), rows).token_ids.tolist())
    probabilities = (scores()[0].double() / 5).softmax(-1)
    allowed = (probabilities >= min_p * probabilities.max()).nonzero().flatten().tolist()
    assert drawn <= set(allowed)
    assert len(drawn) > 1 or min_p == 1.0


def test_a_bias_or_min_p_without_meaning_is_refused() -> None:
    for min_p in (-0.1, 1.1, math.nan):
        with pytest.raises(BadRequest):
            Decoding(min_p=min_p)
    with pytest.raises(BadRequest):
        Decoding(logit_bias=((1, math.inf),))
