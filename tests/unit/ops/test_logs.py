"""The log: fields, one line per event, no secrets."""

import json
import logging
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

import logs
from logs import LogError, redact, set_up_logging

log = logging.getLogger("qwen_chat.requests")
Form = Literal["text", "json"]
REQUEST: dict[str, Any] = {
    "id": "m1",
    "user": "local",
    "conversation": "c1",
    "model": "Qwen2.5-7B-Instruct",
    "queue_s": 0.0,
    "total_s": 1.237,
    "completion_tokens": 20,
    "finish": "stop",
}


class Start(Protocol):
    """Sets up logging; returns the log file."""

    def __call__(self, form: Form, *, max_bytes: int = ...) -> Path: ...


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Sets up logging to a file, which it returns; restores the loggers at the end."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.CHATTY}

    def on(form: Form, *, max_bytes: int = logs.MAX_BYTES) -> Path:
        file = tmp_path / "logs" / "server.log"
        set_up_logging(file, form, max_bytes=max_bytes)
        return file

    yield on
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def fail(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("it failed")


def test_a_request_is_one_line_of_text_with_its_fields(start: Start) -> None:
    file = start("text")
    log.info("request", extra=REQUEST)
    time, rest = file.read_text().split(" ", 1)
    assert rest == (
        "INFO qwen_chat.requests request id=m1 user=local conversation=c1 "
        "model=Qwen2.5-7B-Instruct queue_s=0.00 total_s=1.24 completion_tokens=20 finish=stop\n"
    )
    assert time.endswith("Z")
    assert datetime.fromisoformat(time).utcoffset() == timedelta(0)


def test_a_request_is_one_flat_object_of_json(start: Start) -> None:
    file = start("json")
    log.info("request", extra=REQUEST)
    [line] = file.read_text().splitlines()
    event = json.loads(line)
    assert datetime.fromisoformat(event.pop("timestamp")).utcoffset() == timedelta(0)
    assert event == {
        "message": "request",
        "level": "INFO",
        "logger": "qwen_chat.requests",
        **REQUEST,
    }


def test_values_with_spaces_are_quoted_and_none_is_omitted(start: Start) -> None:
    file = start("text")
    log.info("ready", extra={"device": "cuda:0 and cpu", "revision": None, "note": "a=b", "x": ""})
    assert file.read_text().endswith('ready device="cuda:0 and cpu" note="a=b" x=""\n')


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("break_", ["\n", "\r", "\x1b[2J", "\u202e", "\u2028", "\x85"])
def test_no_logged_text_can_start_a_new_line(start: Start, form: Form, break_: str) -> None:
    file = start(form)
    log.info("who %s", f"ann{break_}INFO forged", extra={"user": f"ann{break_}INFO forged"})
    text = file.read_bytes().decode()
    assert text.count("\n") == 1
    assert len(text.splitlines()) == 1
    assert break_ not in text.removesuffix("\n")


def test_a_traceback_is_indented_in_text_and_inside_the_object_in_json(start: Start) -> None:
    file = start("text")
    fail("first\nINFO forged")
    first, *others = file.read_text().splitlines()
    assert first.endswith("ERROR qwen_chat.requests it failed")
    assert all(line.startswith("    ") for line in others)
    assert others[-1].strip() == "INFO forged"


def test_a_traceback_is_inside_the_object_in_json(start: Start) -> None:
    file = start("json")
    fail("no such row")
    [line] = file.read_text().splitlines()
    assert "ValueError: no such row" in json.loads(line)["exc_info"]


SECRET_TEXTS = [
    "key sk-abcDEF1234567890 used",
    "sk-proj-abcDEF_1234567890",
    "hf_abcDEF1234567890",
    "Authorization: Bearer abcDEF1234567890",
    "authorization=Basic abcDEF1234567890",
    "{'authorization': 'Basic abcDEF1234567890'}",
    "bearer abcDEF1234567890",
    "password=abcDEF1234567890 host=x",
    "'password': 'abcDEF1234567890'",
    "PASSWORD: abcDEF1234567890",
    "api_key=abcDEF1234567890",
    "HF_TOKEN=abcDEF1234567890",
    "postgresql://ann:abcDEF1234567890@host/chat",
    "postgresql://ann:p@abcDEF1234567890@host/chat",
    "https://abcDEF1234567890@proxy:8080/",
    "https://hub.example/x?token=abcDEF1234567890&y=1",
    "Cookie: session=abcDEF1234567890; other=2",
]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("secret", SECRET_TEXTS)
def test_no_secret_is_written_in_message_fields_or_exceptions(
    start: Start, form: Form, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = start(form)
    log.warning("got %s", secret, extra={"detail": secret})
    fail(secret)
    text = file.read_text() + capsys.readouterr().err
    assert "1234567890" not in text
    assert "***" in text
    if form == "json":
        assert [json.loads(line)["level"] for line in file.read_text().splitlines()] == [
            "WARNING",
            "ERROR",
        ]


@pytest.mark.parametrize(
    "harmless",
    [
        "request prompt_tokens=20 reused_tokens=3 completion_tokens=7",
        "the password is asked for at sign-in",
        "GET http://127.0.0.1:7860/readyz 200",
        "risk-free mask-fill",
        "mail ann@example.com",
    ],
)
def test_text_without_secrets_is_unchanged(harmless: str) -> None:
    assert redact(harmless) == harmless


@pytest.mark.parametrize("unit", ["a", "a://", "sk-", "password=", "cookie:", " ", "bearer "])
def test_a_very_long_line_is_redacted_in_linear_time(unit: str) -> None:
    assert redact(unit * 200_000)  # in quadratic time, this would not end within the time limit


def test_the_terminal_shows_warnings_only_and_short(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    start("text")
    log.info("quiet")
    log.warning("no GPU", extra={"device": "cpu"})
    fail("no such row")
    assert capsys.readouterr().err.splitlines() == [
        "qwen-chat: warning: no GPU",
        "qwen-chat: it failed (ValueError: no such row)",
    ]


def test_the_file_is_private_and_rotates(start: Start) -> None:
    file = start("text", max_bytes=200)
    for number in range(40):
        log.info("line %d of many that fill the file", number)
    files = sorted(path.name for path in file.parent.iterdir())
    assert files == ["server.log", *(f"server.log.{number}" for number in range(1, 6))]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in file.parent.iterdir())


def test_a_lone_surrogate_does_not_stop_the_log(start: Start) -> None:
    file = start("text")
    log.info("half \ud83d")
    assert "half \\ud83d" in file.read_text()


def test_a_log_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot be written: Is a directory"):
        set_up_logging(tmp_path, "text")
