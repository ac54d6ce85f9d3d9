"""A store killed in mid-stream: what was acknowledged is there, and nothing is left half."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chat.conversations.models import Message
from chat.models import Status
from store import open_store
from store.routing import FILE_NAME

ROOT = Path(__file__).parents[3]
WRITER = """
import asyncio, itertools, sys
from pathlib import Path
from chat.conversations.models import AnswerRecord, Question
from chat.models import ChatOptions, Status
from store import open_store

async def converse(store, user):
    for number in itertools.count():
        turn = await store.add_turn(
            user, conversation_id=None, options=ChatOptions(),
            question=Question(f"question {number}", f"{number}", title="t"),
        )
        print("turn", user, turn.conversation.id, 0, flush=True)
        for length in range(1, 6):
            await store.save_text(user, turn.answer.id, "word " * length)
            print("text", user, turn.conversation.id, length, flush=True)
        await store.finish_answer(user, turn.answer.id, AnswerRecord("word " * 6, Status.DONE))
        print("done", user, turn.conversation.id, 6, flush=True)

async def main():
    store = open_store(Path(sys.argv[1]))
    await store.open()
    await asyncio.gather(*(converse(store, f"user{n}") for n in range(4)))

asyncio.run(main())
"""


def write_until_killed(data_dir: Path, seconds: float) -> list[list[str]]:
    """The acknowledgements of a writer that is killed so long after its first one."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(data_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(seconds)
        os.kill(writer.pid, signal.SIGKILL)
        lines = [first, *writer.stdout]
    assert writer.returncode == -signal.SIGKILL
    return [line.split() for line in lines if line.endswith("\n")]


async def check(data_dir: Path, acknowledged: list[list[str]]) -> int:
    """How many answers were being written."""
    with sqlite3.connect(data_dir / FILE_NAME) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    store = open_store(data_dir)
    await store.open()
    unfinished = await store.interrupt_unfinished()
    paths: dict[str, list[Message]] = {}
    for kind, user, conversation_id, length in acknowledged:
        if conversation_id not in paths:
            paths[conversation_id] = list(await store.path(user, conversation_id))
        question, answer = paths[conversation_id]
        assert question.content.startswith("question")
        assert answer.content == "word " * (len(answer.content) // 5)
        assert len(answer.content) >= 5 * int(length)
        assert answer.status in (Status.DONE, Status.INTERRUPTED)
        assert kind != "done" or answer.status is Status.DONE
    await store.close()
    return unfinished


async def kill_again_and_again(data_dir: Path, rounds: int) -> None:
    chance = random.Random(1)
    cut_short = 0
    for number in range(rounds):
        folder = data_dir / str(number)
        acknowledged = write_until_killed(folder, chance.uniform(0, 0.4))
        cut_short += await check(folder, acknowledged)
    assert cut_short > 0, "no round hit an answer being written: this proves nothing"


@pytest.mark.slow
async def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    await kill_again_and_again(tmp_path, rounds=10)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_writer_killed_a_hundred_times_loses_nothing(tmp_path: Path) -> None:
    await kill_again_and_again(tmp_path, rounds=100)
