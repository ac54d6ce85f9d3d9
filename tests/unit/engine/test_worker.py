"""The engine's thread with a fake runner: admission, failures, recovery."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from chat.errors import AppError
from chat.models import Finish
from chat.serving.errors import EngineFailed, OutOfMemory
from chat.serving.models import Delta
from engine.request import Event, Request
from engine.row import Decoding, Row
from engine.text import TextStream, Written
from engine.worker import Worker
from tests.tiny import tiny_tokenizer

BACKEND = tiny_tokenizer().backend_tokenizer
END = 256
LETTER = BACKEND.encode("A").ids[0]
WAIT_S = 10.0


class PoisonError(RuntimeError):
    pass


@dataclass
class PlayRunner:
    """Generates one letter per row and step; the first prompt token selects the row's behaviour."""

    max_rows: int = 4
    page: int = 10
    cache_tokens: int = 1000
    fails: Callable[[list[Row]], Exception | None] = lambda rows: None
    spoils: Callable[[Row], str | None] = lambda row: None
    rows: list[Row] = field(default_factory=list)
    most_rows: int = 0
    resets: int = 0
    broken: bool = False
    fails_to_drop: bool = False

    def add(self, row: Row) -> None:
        assert row not in self.rows
        self.rows.append(row)
        self.most_rows = max(self.most_rows, len(self.rows))

    def drop(self, row: Row) -> None:
        self.rows.remove(row)
        if self.fails_to_drop:
            self.fails_to_drop = False
            raise RuntimeError("not dropped")

    def step(self) -> list[Row]:
        if self.broken:
            raise RuntimeError("still broken")
        if error := self.fails(self.rows):
            raise error
        for row in self.rows:
            row.token_ids.append(LETTER)
            row.error = self.spoils(row)
        return list(self.rows)

    def reset(self) -> None:
        self.resets += 1
        self.rows.clear()


@dataclass
class Receiver:
    """The receiver of one request's events."""

    request: Request
    events: list[Event]
    ended: threading.Event

    def wait(self) -> Event:
        assert self.ended.wait(WAIT_S)
        return self.events[-1]

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Delta))


@dataclass
class Bench:
    """A worker in its thread, and the errors that it reports."""

    runner: PlayRunner
    worker: Worker
    thread: threading.Thread
    deaths: list[EngineFailed]
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    def request(self, *, tokens: int = 20, temper: int = 0, prompt: int = 10) -> Receiver:
        events: list[Event] = []
        ended = threading.Event()

        def take(event: Event) -> None:
            events.append(event)
            if isinstance(event, AppError) or event.finish:
                ended.set()

        row = Row(str(next(self.numbers)), [temper] * prompt, Decoding())
        return Receiver(Request(row, TextStream(BACKEND), tokens, take), events, ended)

    def submit(self, **settings: int) -> Receiver:
        receiver = self.request(**settings)
        self.worker.submit(receiver.request)
        return receiver

    def stop(self) -> None:
        self.worker.stop()
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


@pytest.fixture
def runner() -> PlayRunner:
    return PlayRunner()


@pytest.fixture
def bench(runner: PlayRunner) -> Iterator[Bench]:
    deaths: list[EngineFailed] = []

    def post(events: object) -> None:
        for request, event in events:  # type: ignore[attr-defined]  # pairs, see Post
            request.send(event)

    worker = Worker(runner, end_ids={END}, post=post, on_dead=deaths.append)
    thread = threading.Thread(target=worker.run, daemon=True)
    bench_of_runner = Bench(runner, worker, thread, deaths)
    yield bench_of_runner
    if thread.ident:
        bench_of_runner.stop()


def begin(bench: Bench, *receivers: Receiver) -> None:
    """Start the thread after all requests are queued, so that all are in the first step."""
    for receiver in receivers:
        bench.worker.submit(receiver.request)
    bench.thread.start()


def is_complete(receiver: Receiver, tokens: int = 20) -> bool:
    last = receiver.wait()
    return (
        isinstance(last, Delta)
        and last.finish is Finish.LENGTH
        and receiver.text == "A" * tokens
        and last.completion_tokens == tokens
    )


def poison(rows: list[Row]) -> Exception | None:
    return PoisonError() if any(row.prompt_ids[0] == 1 for row in rows) else None


def test_no_more_rows_than_max_rows_run_at_once(bench: Bench) -> None:
    receivers = [bench.request() for _ in range(9)]
    begin(bench, *receivers)
    assert all(map(is_complete, receivers))
    assert bench.runner.most_rows == 4
    assert not bench.runner.rows


def test_a_request_waits_until_it_can_grow_to_its_full_length(bench: Bench) -> None:
    """Each needs 310 of 1000 tokens, in whole pages: three fit, although max_rows is four."""
    receivers = [bench.request(tokens=300, prompt=5) for _ in range(5)]
    begin(bench, *receivers)
    assert all(is_complete(receiver, tokens=300) for receiver in receivers)
    assert bench.runner.most_rows == 3


def test_a_big_request_is_not_overtaken_by_small_ones(bench: Bench) -> None:
    first, big = bench.request(tokens=500), bench.request(tokens=900)
    small = [bench.request(tokens=5) for _ in range(3)]
    ends: list[str] = []
    for receiver in (first, big, *small):
        send = receiver.request.send

        def note(
            event: Event, send: Callable[[Event], None] = send, receiver: Receiver = receiver
        ) -> None:
            if isinstance(event, Delta) and event.finish:
                ends.append(receiver.request.row.id)
            send(event)

        receiver.request.send = note
    begin(bench, first, big, *small)
    for receiver in (first, big, *small):
        receiver.wait()
    assert ends[0] == first.request.row.id
    assert bench.runner.most_rows <= 4


def test_one_poisoned_request_does_not_fail_others(bench: Bench) -> None:
    bench.runner.fails = poison
    bad = bench.request(temper=1)
    good = [bench.request() for _ in range(6)]
    begin(bench, *good[:2], bad, *good[2:])
    assert isinstance(bad.wait(), EngineFailed)
    assert all(map(is_complete, good))
    assert not bench.deaths


def test_a_temporary_failure_fails_no_request(bench: Bench) -> None:
    failures = iter([RuntimeError("once")])
    bench.runner.fails = lambda rows: (
        next(failures, None) if any(len(row.token_ids) == 5 for row in rows) else None
    )
    receivers = [bench.request() for _ in range(3)]
    begin(bench, *receivers)
    assert all(map(is_complete, receivers))
    assert bench.runner.resets == 1


def test_a_single_request_is_retried_once_before_it_fails(bench: Bench) -> None:
    failures = iter([RuntimeError("once")])
    bench.runner.fails = lambda rows: next(failures, None) if rows else None
    receiver = bench.request()
    begin(bench, receiver)
    assert is_complete(receiver)


def test_after_an_out_of_memory_error_fewer_rows_run_at_once(bench: Bench) -> None:
    bench.runner.fails = lambda rows: MemoryError() if len(rows) > 2 else None
    receivers = [bench.request(tokens=100) for _ in range(4)]
    begin(bench, *receivers)
    assert all(is_complete(receiver, tokens=100) for receiver in receivers)


def test_the_request_that_caused_out_of_memory_gets_that_error(bench: Bench) -> None:
    bench.runner.fails = lambda rows: MemoryError() if poison(rows) else None
    bad = bench.request(temper=1)
    begin(bench, bad)
    assert isinstance(bad.wait(), OutOfMemory)


def test_an_error_of_one_row_ends_that_row_only(bench: Bench) -> None:
    bench.runner.spoils = lambda row: "no numbers" if row.prompt_ids[0] == 1 else None
    good, bad = bench.request(), bench.request(temper=1)
    begin(bench, good, bad)
    assert isinstance(bad.wait(), EngineFailed)
    assert is_complete(good)
    assert bench.runner.resets == 0


def test_a_runner_that_cannot_recover_refuses_current_and_later_requests(bench: Bench) -> None:
    bench.runner.broken = True
    early = [bench.request(), bench.request()]
    begin(bench, *early)
    assert all(isinstance(receiver.wait(), EngineFailed) for receiver in early)
    assert isinstance(bench.submit().wait(), EngineFailed)
    assert [death.code for death in bench.deaths] == ["engine_failed"]


def test_a_cancelled_request_sends_nothing_more_and_frees_its_slot(bench: Bench) -> None:
    receivers = [bench.request(tokens=400, prompt=5) for _ in range(2)]
    waiting = bench.request(tokens=900)
    for receiver in (*receivers, waiting):
        bench.worker.submit(receiver.request)
        bench.worker.cancel(receiver.request)
    last = bench.request()
    begin(bench, last)
    assert is_complete(last)
    assert not any(receiver.events for receiver in (*receivers, waiting))
    bench.worker.cancel(last.request)
    assert is_complete(bench.submit())
    assert not bench.runner.rows


def test_stop_fails_running_and_waiting_requests(bench: Bench) -> None:
    receivers = [bench.request(tokens=10_000) for _ in range(3)]
    bench.runner.cache_tokens = 20_000
    begin(bench, *receivers)
    bench.stop()
    assert all(isinstance(receiver.wait(), EngineFailed) for receiver in receivers)


class UnreadableText(TextStream):
    """Fails at its third token, as a tokenizer would."""

    fed = 0

    def feed(self, token_id: int) -> Written:
        self.fed += 1
        if self.fed == 3:
            raise Exception("Invalid prefix encountered")
        return super().feed(token_id)


def test_a_decoding_error_ends_its_own_answer_only(bench: Bench) -> None:
    receivers = [bench.request() for _ in range(3)]
    receivers[0].request.text = UnreadableText(BACKEND)
    begin(bench, *receivers)
    assert isinstance(receivers[0].wait(), EngineFailed)
    assert all(map(is_complete, receivers[1:]))
    assert bench.runner.resets == 0


def test_a_failure_after_a_successful_step_loses_no_token(bench: Bench) -> None:
    bench.runner.fails_to_drop = True
    short = bench.request(tokens=5)
    others = [bench.request() for _ in range(2)]
    begin(bench, short, *others)
    assert is_complete(short, tokens=5)
    assert all(map(is_complete, others))
    assert bench.runner.resets == 1


def test_the_worker_is_recovering_from_a_failed_step_to_a_successful_one(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[object] = []
    failures = iter([MemoryError("once")])

    def fails(rows: list[Row]) -> Exception | None:
        seen.append(bench.worker.recovering)
        return next(failures, None) if rows else None

    bench.runner.fails = fails
    receiver = bench.request()
    begin(bench, receiver)
    assert is_complete(receiver)
    assert seen[0] is None
    assert isinstance(seen[1], OutOfMemory)
    assert seen[-1] is bench.worker.recovering is None
    assert "in step" in caplog.text, "the log has the cause"
