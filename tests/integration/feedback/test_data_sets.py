"""Training data has only prompts that were sent and answers to them, for any user actions."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chat.accounts.models import LOCAL
from chat.campaigns.models import Side, VoteChoice
from chat.conversations.jobs import Job
from chat.conversations.models import Question
from chat.conversations.tree import Tree
from chat.errors import AppError
from chat.feedback.errors import NothingToExport
from chat.feedback.models import RatingInput, Verdict
from chat.feedback.result_models import RatingFilter, ReviewChange, ReviewStatus
from chat.feedback.results import Results
from chat.models import ChatOptions, Finish
from formats.datasets import DataFormat, data_file
from store.schema.campaigns import ComparisonRow
from tests.chat import finished
from tests.contract.feedback_rows import add_rows, campaign
from tests.contract.stores import START
from tests.fakes import Script
from tests.feedback import RatedChat, rated_chat

Turns: TypeAlias = tuple[tuple[str, str], ...]
ANSWERS = 40


@dataclass
class Happenings:
    """Users chat, rate, vote and delete; the prompts of the engine are recorded."""

    chat: RatedChat
    jobs: list[Job] = field(default_factory=list)
    corrections: set[str] = field(default_factory=set)
    votes: int = 0

    async def ask(self, number: int, kind: int) -> None:
        """Go on in a conversation, or begin one; the same words come again and again."""
        options = ChatOptions(("", "Be brief.")[kind % 2])
        into = self.jobs[number].conversation_id if number < len(self.jobs) else None
        await self._send(f"question {kind // 4}", into, options)

    async def again(self, number: int, _: int) -> None:
        await self._beside(number, self.chat.answers.retry)

    async def go_on(self, number: int, _: int) -> None:
        await self._beside(number, self.chat.answers.go_on)

    async def edit(self, number: int, kind: int) -> None:
        job = self.jobs[number]
        archive = await self.chat.conversations.archive(LOCAL.id, job.conversation_id)
        message = Tree(archive.messages).message(job.message_id)
        options = archive.conversation.options
        text = f"question {kind // 4}"
        await self._send(text, job.conversation_id, options, beside=message.parent_id)

    async def rate(self, number: int, kind: int) -> None:
        correction = f"correction {len(self.corrections)}"
        rating_inputs = (
            RatingInput(Verdict.UP),
            RatingInput(Verdict.DOWN, ("other",)),
            RatingInput(Verdict.DOWN, correction=correction),
            RatingInput(comment="hm"),
        )
        rating_input = rating_inputs[kind % len(rating_inputs)]
        await self.chat.rate(self.jobs[number], rating_input)
        if rating_input.correction:
            self.corrections.add(rating_input.correction)

    async def review(self, number: int, kind: int) -> None:
        answer_id = self.jobs[number].message_id
        frozen = await self.chat.store.feedback.ratings.snapshot_of(LOCAL.id, answer_id)
        change = ReviewChange([*ReviewStatus][kind % len(ReviewStatus)])
        if frozen:
            await results_of(self.chat).review(LOCAL, frozen.id, change)

    async def vote(self, number: int, kind: int) -> None:
        """Between any two answers: not every such pair has one prompt."""
        left, right = self.jobs[number], self.jobs[kind % len(self.jobs)]
        self.votes += 1
        row = ComparisonRow(
            id=f"vote {self.votes}",
            campaign_id="campaign",
            user_id=LOCAL.id,
            request_id=f"vote {self.votes}",
            question="?",
            task_id="",
            left=Side(0, left.conversation_id, left.message_id),
            right=Side(1, right.conversation_id, right.message_id),
            asked_at=START,
            voted_at=START,
            choice=[*VoteChoice][(number + kind) % len(VoteChoice)],
            comment="",
        )
        await add_rows(self.chat.store, row)

    async def delete(self, number: int, _: int) -> None:
        """A question with its answers: what was asked below it has lost its prompt."""
        job = self.jobs[number]
        await self.chat.conversations.delete_turn(LOCAL.id, job.conversation_id, job.message_id)

    async def lose(self, number: int, kind: int) -> None:
        """The first questions, before their answers are rated."""
        job = self.jobs[number]
        archive = await self.chat.conversations.archive(LOCAL.id, job.conversation_id)
        first = Tree(archive.messages).path_to(job.message_id)[0]
        await self.chat.conversations.delete_turn(LOCAL.id, job.conversation_id, first.id)
        await self.rate(number, kind)

    async def _send(
        self, text: str, into: str | None, options: ChatOptions, beside: str | None = None
    ) -> None:
        question = Question(text, f"request {len(self.jobs)}", beside=beside)
        job = await self.chat.answers.send(
            LOCAL.id, conversation_id=into, question=question, options=options
        )
        await finished(job)
        self.jobs.append(job)

    async def _beside(self, number: int, write: Any) -> None:
        job = self.jobs[number]
        beside = await write(
            LOCAL.id, conversation_id=job.conversation_id, message_id=job.message_id
        )
        await finished(beside)
        self.jobs.append(beside)

    def answers_by_prompt(self) -> dict[Turns, set[str]]:
        """Every prompt that the engine was sent, with all answers that it gave to it."""
        answered: dict[Turns, set[str]] = {}
        for number, prompt in enumerate(self.chat.engine.prompts):
            *before, last = prompt
            begun = last.content if last.partial else ""
            question = tuple(before) if begun else prompt
            turns = tuple((turn.role.value, turn.content) for turn in question)
            answered.setdefault(turns, set()).add(begun + answer(number))
        return answered


def answer(number: int) -> str:
    return f"answer {number}\n"


def scripts() -> list[Script]:
    """Every answer is another one; some are cut off by their length."""
    return [
        Script([answer(number)], finish=Finish.LENGTH if number % 5 == 4 else Finish.STOP)
        for number in range(ANSWERS)
    ]


def results_of(chat: RatedChat) -> Results:
    return Results(chat.store.feedback.results, chat.store.accounts)


async def lines_of(chat: RatedChat, kind: DataFormat) -> list[dict[str, Any]]:
    file = data_file(kind, RatingFilter())
    pieces: list[bytes] = []
    with suppress(NothingToExport):
        async for piece in results_of(chat).export(LOCAL, RatingFilter(), file):
            pieces.append(piece)
    lines = [json.loads(line) for line in b"".join(pieces).decode().split("\n") if line]
    assert len(lines) == file.lines
    return lines


def turns_of(messages: Sequence[dict[str, str]]) -> Turns:
    return tuple((turn["role"], turn["content"]) for turn in messages)


async def check_all(happenings: Happenings) -> tuple[int, int]:
    """The number of lines by kind, after each was checked against the recorded prompts."""
    answered, corrections = happenings.answers_by_prompt(), happenings.corrections
    pairs = await lines_of(happenings.chat, DataFormat.DPO)
    for pair in pairs:
        answers = answered[turns_of(pair["prompt"])]
        ((_, chosen),), ((_, rejected),) = turns_of(pair["chosen"]), turns_of(pair["rejected"])
        assert rejected in answers
        assert chosen in (corrections if pair["source"] == "correction" else answers)
        assert chosen != rejected
        assert bool(pair["chosen_id"]) == (pair["source"] != "correction")
    assert len({pair["id"] for pair in pairs}) == len(pairs)
    examples = await lines_of(happenings.chat, DataFormat.SFT)
    for example in examples:
        *prompt, (role, text) = turns_of(example["messages"])
        assert role == "assistant"
        by_hand = example["source"] == "correction"
        assert text in (corrections if by_hand else answered[tuple(prompt)])
        assert tuple(prompt) in answered
    return len(pairs), len(examples)


DEEDS = (
    Happenings.ask,
    Happenings.again,
    Happenings.rate,
    Happenings.edit,
    Happenings.rate,
    Happenings.vote,
    Happenings.go_on,
    Happenings.rate,
    Happenings.review,
    Happenings.delete,
    Happenings.lose,
    Happenings.vote,
)
Deed: TypeAlias = tuple[int, int, int]
HAPPENINGS = st.lists(
    st.tuples(st.integers(0, len(DEEDS) - 1), st.integers(0, 5), st.integers(0, 7)),
    min_size=5,
    max_size=30,
)


async def carry_out(deeds: Sequence[Deed], folder: Path) -> tuple[int, int]:
    async with rated_chat(folder, *scripts()) as chat:
        await add_rows(chat.store, campaign(LOCAL.id))
        happenings = Happenings(chat)
        await happenings.ask(0, 0)
        for which, number, kind in deeds:
            about = number if DEEDS[which] is Happenings.ask else number % len(happenings.jobs)
            with suppress(AppError):  # what was deleted cannot be rated, and the like
                await DEEDS[which](happenings, about, kind)
        return await check_all(happenings)


# Few examples, long ones, in databases of their own: to shrink one would take minutes.
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(HAPPENINGS)
def test_every_pair_has_a_sent_prompt_and_its_answers(deeds: Sequence[Deed]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(carry_out(deeds, Path(folder)))


async def test_each_source_gives_its_pair(tmp_path: Path) -> None:
    deeds = [
        (1, 0, 0),  # a second answer to the first question
        (2, 0, 0),  # liked
        (2, 1, 1),  # disliked: a pair of versions
        (5, 0, 1),  # voted for: the same two once more
        (0, 0, 0),  # a second question
        (2, 2, 2),  # corrected
    ]
    async with rated_chat(tmp_path, *scripts()) as chat:
        await add_rows(chat.store, campaign(LOCAL.id))
        happenings = Happenings(chat)
        await happenings.ask(0, 0)
        for which, number, kind in deeds:
            await DEEDS[which](happenings, number, kind)
        await happenings.again(2, 0)
        await happenings.rate(3, 0)  # liked beside the corrected one: versions, not a retry
        await happenings.ask(0, 4)  # cut off by its length
        await happenings.again(4, 0)
        await happenings.again(4, 0)
        await happenings.rate(6, 0)  # liked after two: a retry of the one that is whole
        assert await check_all(happenings) == (5, 4)
        pairs = await lines_of(chat, DataFormat.DPO)
        assert [pair["source"] for pair in pairs].count("retry") == 1
        assert {pair["source"] for pair in pairs} == {"versions", "vote", "correction", "retry"}


async def test_an_answer_without_an_exact_prompt_gives_no_example(tmp_path: Path) -> None:
    async with rated_chat(tmp_path, *scripts()) as chat:
        happenings = Happenings(chat)
        await happenings.ask(9, 0)
        await happenings.ask(0, 4)
        await happenings.lose(1, 2)
        assert len(happenings.corrections) == 1
        assert await check_all(happenings) == (0, 0)


async def test_votes_between_answers_to_different_prompts_are_no_pairs(tmp_path: Path) -> None:
    async with rated_chat(tmp_path, *scripts()) as chat:
        await add_rows(chat.store, campaign(LOCAL.id))
        happenings = Happenings(chat)
        await happenings.ask(9, 0)
        await happenings.ask(9, 1)  # the same words below another system prompt
        await happenings.vote(0, 1)
        assert await check_all(happenings) == (0, 0)
