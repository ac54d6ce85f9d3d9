"""Rated answers and votes as values, for tests of exports and reports."""

from dataclasses import replace
from typing import Any

from chat.campaigns.models import Comparison, Side, VoteChoice
from chat.conversations.models import Message
from chat.feedback.models import (
    AnswerSnapshot,
    RatedAnswer,
    Rating,
    RatingInput,
    Review,
    ReviewState,
    Verdict,
)
from chat.feedback.ports import DataFile
from chat.feedback.result_models import ExportContext, VotedComparison
from chat.models import (
    ChatMessage,
    Finish,
    PresetRef,
    Provenance,
    Role,
    Sampling,
    Status,
    Timing,
    Usage,
)
from chat.serving.observer import Source
from chat.serving.provenance import prompt_sha256
from tests.contract.stores import START

UP, DOWN = RatingInput(Verdict.UP), RatingInput(Verdict.DOWN, ("wrong-facts",))
PROVENANCE = Provenance(
    model="Qwen2.5-7B-Instruct",
    revision="r1",
    quantization="none",
    engine="local",
    sampling=Sampling(temperature=0.7, top_p=0.8, seed=7),
    prompt_sha256="",
    preset=PresetRef("helper", 2),
)
TIMING = Timing(queue_s=0.1, prefill_s=0.2, ttft_s=0.3, total_s=2.0, decode_tokens_per_s=20.5)


def exactly(prompt: tuple[ChatMessage, ...], provenance: Provenance = PROVENANCE) -> Provenance:
    """With the digest of the prompt."""
    return replace(provenance, prompt_sha256=prompt_sha256(prompt))


def snapshot(name: str, question: str = "Why?", answer: str = "So.", **more: Any) -> AnswerSnapshot:
    prompt = more.pop(
        "prompt", (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, question))
    )
    values: dict[str, Any] = {
        "id": name,
        "answer_id": f"answer {name}",
        "owner_id": "ann",
        "source": Source.PAGE,
        "prompt": prompt,
        "answer": answer,
        "status": Status.DONE,
        "made_at": START,
        "finish": Finish.STOP,
        "usage": Usage(20, 5),
        "timing": TIMING,
        "provenance": exactly(prompt),
        "conversation_id": "conversation",
        "language": "en",
        "page_language": "zh",
    }
    return AnswerSnapshot(**values | more)


def rating(
    name: str, rating_input: RatingInput = UP, user_id: str = "ann", version: int = 1
) -> Rating:
    return Rating(name, user_id, version, rating_input, START)


def rated(
    name: str,
    rating_input: RatingInput = UP,
    *more_inputs: RatingInput,
    state: ReviewState | None = None,
    note: str = "",
    **snapshot_fields: Any,
) -> RatedAnswer:
    """Inputs after the first are of other users."""
    rating_inputs = (rating_input, *more_inputs)
    ratings = tuple(
        rating(name, each, f"rater {number}" if number else "ann")
        for number, each in enumerate(rating_inputs)
    )
    review = Review(name, "host", START, state, note=note) if state or note else None
    return RatedAnswer(snapshot(name, **snapshot_fields), ratings, review)


def path(
    name: str, question: str, answer: str, *, system: str = "", **more: Any
) -> tuple[Message, ...]:
    """A stored question and its answer."""
    prompt: tuple[ChatMessage, ...] = (ChatMessage(Role.USER, question),)
    if system:
        prompt = (ChatMessage(Role.SYSTEM, system), *prompt)
    question_message = Message(
        f"question {name}", f"of {name}", None, Role.USER, question, Status.DONE, START
    )
    values: dict[str, Any] = {
        "id": f"answer {name}",
        "conversation_id": f"of {name}",
        "parent_id": question_message.id,
        "role": Role.ASSISTANT,
        "content": answer,
        "status": Status.DONE,
        "created_at": START,
        "finish": Finish.STOP,
        "timing": TIMING,
        "provenance": replace(exactly(prompt), system_prompt=system),
    }
    return question_message, Message(**values | more)


def voted_comparison(
    name: str = "duel",
    choice: VoteChoice | None = VoteChoice.LEFT,
    *,
    left: tuple[Message, ...] | None = None,
    right: tuple[Message, ...] | None = None,
    comment: str = "",
    unusable: bool = False,
) -> VotedComparison:
    """The left answer is the second variant's."""
    left = path("left", "Which?", "This") if left is None else left
    right = path("right", "Which?", "That") if right is None else right
    comparison = Comparison(
        id=name,
        campaign_id="campaign",
        user_id="ann",
        question="Which?",
        left=Side(1, "of left", "answer left"),
        right=Side(0, "of right", "answer right"),
        asked_at=START,
        choice=choice,
        comment=comment,
        voted_at=START,
    )
    return VotedComparison(comparison, left, right, unusable)


def written(
    file: DataFile,
    *items: RatedAnswer,
    voted_comparisons: tuple[VotedComparison, ...] = (),
    chunk: int = 2,
) -> bytes:
    """The whole file, written as by an export: in chunks, each with its siblings."""
    siblings: dict[str, list[RatedAnswer]] = {}
    for item in items:
        siblings.setdefault(item.snapshot.conversation_id, []).append(item)
    pieces = [file.begin()]
    for start in range(0, len(items), chunk):
        part = items[start : start + chunk]
        versions = {item.snapshot.id: item.ratings for item in part}
        pieces.append(file.add(part, ExportContext(versions, siblings)))
    if file.takes_votes:
        pieces.append(file.add_votes(voted_comparisons))
    return b"".join([*pieces, file.end()])
