"""Training data from ratings and votes: examples (SFT) and preference pairs (DPO).

Pure. A prompt is always one that was sent; an answer is one that was generated for it, or a user's
correction. `source` tells which.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chat.campaigns.models import Plan, VoteChoice
from chat.conversations.models import Message, Origin
from chat.conversations.prompt import prompt_from
from chat.feedback.models import AnswerSnapshot, RatedAnswer, Rating, ReviewState, Verdict
from chat.feedback.omissions import Omission
from chat.feedback.result_models import Path, VotedComparison
from chat.feedback.snapshots import is_exact
from chat.languages import language_of
from chat.models import ChatMessage, Finish, Provenance, Role, Status
from chat.serving.provenance import prompt_sha256


class PreferenceSource(StrEnum):
    """Why something is worth learning from."""

    LIKED = "liked"
    REVIEWED = "reviewed"
    CORRECTION = "correction"
    VOTE = "vote"
    VERSIONS = "versions"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt with a good answer: the generated one, or a correction."""

    source: PreferenceSource
    rated: RatedAnswer
    prompt: tuple[ChatMessage, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """One answer of a pair. An empty `answer_id` marks a user's correction."""

    text: str
    answer_id: str = ""
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Two answers to the same prompt, of which one is better.

    `id` is that of the rating or vote, `user_id` that of its author.
    """

    id: str
    source: PreferenceSource
    prompt: tuple[ChatMessage, ...]
    chosen: PairAnswer
    rejected: PairAnswer
    user_id: str
    conversation_id: str = ""
    campaign_id: str = ""
    language: str = ""


def verdicts(rated: RatedAnswer) -> set[Verdict]:
    """The verdicts of the newest ratings."""
    return {rating.rating_input.verdict for rating in rated.ratings if rating.rating_input.verdict}


def correction(rated: RatedAnswer) -> Rating | None:
    """The newest rating whose correction differs from the answer."""
    answer = rated.snapshot.answer
    corrected = [
        rating
        for rating in rated.ratings
        if (better := rating.rating_input.correction)
        and better.strip()
        and not _same(better, answer)
    ]
    return max(corrected, key=lambda rating: rating.rated_at, default=None)


def may_teach(rated: RatedAnswer) -> bool:
    """Whether its prompt is exact, and no reviewer marked it as unusable."""
    unusable = rated.review is not None and rated.review.state is ReviewState.UNUSABLE
    return is_exact(rated.snapshot) and not unusable


def is_liked(rated: RatedAnswer) -> bool:
    """Whether all verdicts are up and the answer is complete."""
    whole = is_whole(rated.snapshot.status, rated.snapshot.finish)
    return whole and verdicts(rated) == {Verdict.UP}


def example_of(rated: RatedAnswer) -> Example | None:
    """The training example of a rated answer; None without one.

    A correction replaces the answer. Incomplete and disliked answers give no example, unless a
    reviewer marked them as usable.
    """
    if omission_of_example(rated):
        return None
    snapshot, prompt = rated.snapshot, prompt_before_answer(rated.snapshot)
    if better := correction(rated):
        return Example(
            PreferenceSource.CORRECTION, rated, prompt, better.rating_input.correction or ""
        )
    is_usable = rated.review is not None and rated.review.state is ReviewState.USABLE
    source = PreferenceSource.REVIEWED if is_usable else PreferenceSource.LIKED
    return Example(source, rated, prompt, snapshot.answer)


def omission_of_example(rated: RatedAnswer) -> Omission | None:
    """Why a rated answer gives no training example; None if it gives one."""
    if not may_teach(rated):
        return _unfit(rated)
    if correction(rated):
        return None
    if not rated.snapshot.answer.strip():
        return Omission.NO_TEXT
    if rated.review is not None and rated.review.state is ReviewState.USABLE:
        return None
    if verdicts(rated) != {Verdict.UP}:
        return Omission.NOT_LIKED
    return None if is_liked(rated) else Omission.CUT


def pair_of_correction(rated: RatedAnswer) -> PreferencePair | None:
    """The correction as the better answer, against the original."""
    better, snapshot = correction(rated), rated.snapshot
    if better is None or not may_teach(rated) or not snapshot.answer.strip():
        return None
    return PreferencePair(
        id=f"{snapshot.id}.{better.user_id}.{better.version}",
        source=PreferenceSource.CORRECTION,
        prompt=prompt_before_answer(snapshot),
        chosen=PairAnswer(better.rating_input.correction or ""),
        rejected=_snapshot_answer(snapshot),
        user_id=better.user_id,
        conversation_id=snapshot.conversation_id,
        campaign_id=snapshot.campaign_id,
        language=snapshot.language,
    )


def pairs_of_versions(
    rated: RatedAnswer, others: Iterable[RatedAnswer]
) -> Iterator[PreferencePair]:
    """A liked answer against each disliked one of `others` to exactly the same prompt."""
    if _may_win(rated):
        for other in others:
            if _is_worse(other, rated.snapshot):
                rejected = _snapshot_answer(other.snapshot)
                yield _liked_over(rated, other.snapshot.id, PreferenceSource.VERSIONS, rejected)


def pairs_of_retries(rated: RatedAnswer, tried_again: Iterable[Path]) -> Iterator[PreferencePair]:
    """A liked answer against each unrated one to the same prompt that was retried.

    Only complete ones: a stopped answer does not show how it would have continued.
    """
    if _may_win(rated):
        for path in tried_again:
            if _was_passed_over(path, rated.snapshot):
                yield _liked_over(
                    rated, path[-1].id, PreferenceSource.RETRY, _message_answer(path[-1])
                )


def omission_of_pair(rated: RatedAnswer, others: Sequence[RatedAnswer]) -> Omission | None:
    """Why a rated answer is in no pair; None for a disliked one that loses to one of `others`.

    For an answer that is chosen in no pair, neither corrected nor liked over another one.
    """
    if not may_teach(rated):
        return _unfit(rated)
    if not rated.snapshot.answer.strip():
        return Omission.NO_TEXT
    if any(_may_win(other) and _is_worse(rated, other.snapshot) for other in others):
        return None
    return Omission.ALONE


def pair_of_vote(voted_comparison: VotedComparison) -> PreferencePair | None:
    """The winning answer against the other; None where `omission_of_vote` has a reason."""
    comparison, prompt = voted_comparison.comparison, prompt_of(voted_comparison.left)
    if omission_of_vote(voted_comparison) or prompt is None:
        return None
    chosen, rejected = voted_comparison.left[-1], voted_comparison.right[-1]
    if comparison.choice is VoteChoice.RIGHT:
        chosen, rejected = rejected, chosen
    return PreferencePair(
        id=comparison.id,
        source=PreferenceSource.VOTE,
        prompt=prompt,
        chosen=_message_answer(chosen),
        rejected=_message_answer(rejected),
        user_id=comparison.user_id,
        campaign_id=comparison.campaign_id,
        language=language_of(chosen.content),
    )


def omission_of_vote(voted_comparison: VotedComparison) -> Omission | None:
    """Why a vote gives no pair; None if it gives one.

    Both prompts must be exact and identical. They differ where the variants have different system
    prompts, or where earlier turns differ.
    """
    if not voted_comparison.has_winner:
        is_bad = voted_comparison.comparison.choice is VoteChoice.BOTH_BAD
        return Omission.BOTH_BAD if is_bad else Omission.TIE
    if voted_comparison.unusable:
        return Omission.UNUSABLE
    paths = (voted_comparison.left, voted_comparison.right)
    if not all(paths):
        return Omission.DELETED
    left, right = map(prompt_of, paths)
    if left is None or right is None:
        return Omission.NOT_EXACT
    if left != right:
        same = _system_prompts(left) == _system_prompts(right)
        return Omission.EARLIER_TURNS if same else Omission.SYSTEM_PROMPTS
    return _omission_of_answers(*(path[-1] for path in paths))


def _omission_of_answers(left: Message, right: Message) -> Omission | None:
    if not all(is_whole(answer.status, answer.finish) for answer in (left, right)):
        return Omission.CUT
    if not (left.content.strip() and right.content.strip()):
        return Omission.NO_TEXT
    return Omission.SAME if _same(left.content, right.content) else None


def may_give_pairs(plan: Plan) -> bool:
    """Whether votes between its variants can give pairs: all have the same system prompt."""
    return len({variant.system_prompt.strip() for variant in plan.variants}) == 1


def prompt_of(path: Sequence[Message]) -> tuple[ChatMessage, ...] | None:
    """The exact prompt of the last answer of `path`; None where it cannot be reconstructed."""
    provenance = path[-1].provenance if path else None
    if provenance is None:
        return None
    prompt = prompt_from(path)
    return prompt if prompt_sha256(prompt) == provenance.prompt_sha256 else None


def prompt_before_answer(snapshot: AnswerSnapshot) -> tuple[ChatMessage, ...]:
    """The prompt without the beginning of the answer, if the model continued one."""
    provenance = snapshot.provenance
    continued = provenance is not None and provenance.continued_characters > 0
    return snapshot.prompt[:-1] if continued else snapshot.prompt


def is_whole(status: Status, finish: Finish | None) -> bool:
    """Whether an answer is complete: neither stopped nor cut off by the length limit."""
    return status is Status.DONE and finish is not Finish.LENGTH


def _unfit(rated: RatedAnswer) -> Omission:
    return Omission.UNUSABLE if is_exact(rated.snapshot) else Omission.NOT_EXACT


def _system_prompts(prompt: Iterable[ChatMessage]) -> Sequence[str]:
    return [message.content for message in prompt if message.role is Role.SYSTEM]


def _may_win(rated: RatedAnswer) -> bool:
    return may_teach(rated) and is_liked(rated) and bool(rated.snapshot.answer.strip())


def _is_worse(other: RatedAnswer, snapshot: AnswerSnapshot) -> bool:
    """Whether `other` is a disliked, different answer to the same prompt."""
    worse = other.snapshot
    return (
        verdicts(other) == {Verdict.DOWN}
        and may_teach(other)
        and worse.conversation_id == snapshot.conversation_id
        and worse.owner_id == snapshot.owner_id
        and prompt_before_answer(worse) == prompt_before_answer(snapshot)
        and bool(worse.answer.strip())
        and not _same(worse.answer, snapshot.answer)
    )


def _was_passed_over(path: Path, snapshot: AnswerSnapshot) -> bool:
    """Whether `path` ends with a different, complete, generated answer to the same prompt."""
    answer = path[-1]
    return (
        answer.origin is Origin.HERE
        and is_whole(answer.status, answer.finish)
        and bool(answer.content.strip())
        and not _same(answer.content, snapshot.answer)
        and prompt_of(path) == prompt_before_answer(snapshot)
    )


def _liked_over(
    rated: RatedAnswer, other_id: str, source: PreferenceSource, rejected: PairAnswer
) -> PreferencePair:
    snapshot = rated.snapshot
    return PreferencePair(
        id=f"{snapshot.id}.{other_id}",
        source=source,
        prompt=prompt_before_answer(snapshot),
        chosen=_snapshot_answer(snapshot),
        rejected=rejected,
        user_id=rated.ratings[0].user_id,
        conversation_id=snapshot.conversation_id,
        campaign_id=snapshot.campaign_id,
        language=snapshot.language,
    )


def _same(one: str, other: str) -> bool:
    return one.strip() == other.strip()


def _snapshot_answer(snapshot: AnswerSnapshot) -> PairAnswer:
    return PairAnswer(snapshot.answer, snapshot.answer_id, snapshot.provenance)


def _message_answer(message: Message) -> PairAnswer:
    return PairAnswer(message.content, message.id, message.provenance)
