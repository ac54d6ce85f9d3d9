"""Logging: a rotated file with one line per event, as text or JSON; warnings on the terminal.

Owns the format of lines and the redaction of secrets. Callers must not log message texts.
"""

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

MAX_BYTES = 10 * 1024 * 1024
BACKUP_COUNT = 5

NOT_EXTRA = frozenset({*RESERVED_ATTRS, "color_message", "taskName"})
"""Attributes of every record; all others were passed as `extra`. uvicorn adds color_message."""

CHATTY = ("alembic", "httpcore", "httpx")
"""Libraries that log one or more INFO lines per request."""

SECRETS = (
    (re.compile(r"\b(sk-|hf_)[\w-]{6,}"), r"\1***"),
    (re.compile(r"\b(Bearer\s+)[^\s\"'\\,;]+", re.IGNORECASE), r"\1***"),
    (re.compile(r"://[^\s/\"'\\]+@"), "://***@"),
    (
        re.compile(
            r"((?:password|passwd|secret|api[_-]?key|(?<![a-z])token)[\"']?\s*[=:]\s*[\"']?)"
            r"[^\s\"'\\&,;]+",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (
        re.compile(r"((?:authorization|cookie)[\"']?\s*[=:]\s*[\"']?)[^\"'\\\r\n]+", re.IGNORECASE),
        r"\1***",
    ),
)
"""Patterns of secrets, replaced in formatted lines. None matches across a quote, so JSON stays
valid."""

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control and bidirectional characters, which could forge a line in a file or on a terminal."""


class LogError(Exception):
    """The log file cannot be written: one plain sentence that says what to do."""


def set_up_logging(
    file: Path, log_format: Literal["text", "json"], *, max_bytes: int = MAX_BYTES
) -> None:
    """Log INFO and above to `file`, WARNING and above to stderr as well. Raises LogError."""
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setLevel(logging.WARNING)
    to_terminal.setFormatter(WithoutSecrets(ShortFormatter()))
    to_file = _open(file, max_bytes)
    to_file.setFormatter(WithoutSecrets(_json() if log_format == "json" else TextFormatter()))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(to_file)
    root.addHandler(to_terminal)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def redact(line: str) -> str:
    """The line with *** in place of keys, tokens, passwords and credentials in URLs."""
    for secret, replacement in SECRETS:
        line = secret.sub(replacement, line)
    return line


class WithoutSecrets(logging.Formatter):
    """Redacts another formatter's complete lines: messages, extra fields and exceptions."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._inner.format(record))


class TextFormatter(logging.Formatter):
    """`time LEVEL logger message key=value …`; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        parts = [
            time.replace("+00:00", "Z"),
            record.levelname,
            record.name,
            _one_line(record.getMessage()),
            *(f"{name}={_field_text(value)}" for name, value in _extra(record).items()),
        ]
        lines = [" ".join(parts)]
        if record.exc_info:
            lines += self.formatException(record.exc_info).splitlines()
        # Indented, so that text inside an exception cannot look like a log line.
        return "\n    ".join(_one_line(line) for line in lines)


class ShortFormatter(logging.Formatter):
    """`qwen-chat: message`, with the error on the same line; the traceback is in the file."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno >= logging.ERROR else f"{record.levelname.lower()}: "
        line = f"qwen-chat: {level}{record.getMessage()}"
        error = record.exc_info[1] if record.exc_info else None
        return _one_line(f"{line} ({type(error).__name__}: {error})" if error else line)


class _PrivateFile(RotatingFileHandler):
    """A rotating file that only its owner may read."""

    def _open(self) -> TextIOWrapper:
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            errors=self.errors,
            opener=lambda path, flags: os.open(path, flags, mode=0o600),
        )


def _open(file: Path, max_bytes: int) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _PrivateFile(
            file,
            maxBytes=max_bytes,
            backupCount=BACKUP_COUNT,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        raise LogError(
            f"The log file {file} cannot be written: {error.strerror}. "
            "Choose another one with --log-file."
        ) from error


def _json() -> logging.Formatter:
    return JsonFormatter(
        ["message", "levelname", "name"],
        rename_fields={"levelname": "level", "name": "logger"},
        reserved_attrs=list(NOT_EXTRA),
        timestamp=True,
    )


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: value
        for name, value in record.__dict__.items()
        if name not in NOT_EXTRA and value is not None
    }


def _field_text(value: object) -> str:
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r'[\s="]', text) or not text else text


def _one_line(text: str) -> str:
    return UNPRINTABLE.sub(lambda match: repr(match[0])[1:-1], text)
