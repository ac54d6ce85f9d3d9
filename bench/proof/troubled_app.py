"""The app with the tests' tiny model, whose engine is lost or fails where a prompt asks for it."""

import ctypes
import os
import signal
import time
from enum import StrEnum
from pathlib import Path
from string import ascii_lowercase

import torch

from app import main
from chat.serving.engines import Engines
from config import Settings
from engine.local import EngineOptions, LocalEngine, Report
from loading import LoadProgress
from tests.tiny import tiny_tokenizer
from tests.troubled import troubled_opener

TOKENIZER = tiny_tokenizer()
STEP_S = 0.02
"""Of each step: the tiny model would have written its answer before anything can happen to it."""


class Trouble(StrEnum):
    """What happens in the middle of a step."""

    KILLED = "killed"
    """The process ends at once, as by the kernel when memory runs out."""

    HANGS = "hangs"
    """A native call never returns."""

    HANGS_WITH_LOCK = "hangs-with-lock"
    """A native call never returns and keeps Python's lock."""

    FAILS = "fails"
    """The step raises, for as long as the request is in it."""

    @property
    def prompt(self) -> str:
        """The prompt that asks for it: one token a byte, and no answer holds it by chance."""
        return f"<<{self}>>"


def trouble(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Do what a prompt in the batch asks for. Answers are small letters: shown as they are."""
    time.sleep(STEP_S)
    words = TOKENIZER.decode(ids[0])
    if Trouble.KILLED.prompt in words:
        os.kill(os.getpid(), signal.SIGKILL)
    elif Trouble.HANGS.prompt in words:
        ctypes.CDLL(None).sleep(3600)
    elif Trouble.HANGS_WITH_LOCK.prompt in words:
        ctypes.PyDLL(None).sleep(3600)
    elif Trouble.FAILS.prompt in words:
        raise RuntimeError("device-side assert (injected)")
    other = torch.full_like(logits, -torch.inf)
    letters = TOKENIZER.convert_tokens_to_ids(list(ascii_lowercase))
    other[..., letters] = logits[..., letters]
    return other


def build_engines(settings: Settings, load_progress: LoadProgress) -> Engines:
    """The engine. Nothing is fetched for it."""

    async def fetch(report: Report) -> Path:
        return Path()

    options = EngineOptions(stall_timeout_s=settings.stall_timeout_s)
    return Engines(LocalEngine(options, fetch, troubled_opener(trouble)))


def run() -> int:
    """The app's own command. Its exit code."""
    return main(build_engines)
