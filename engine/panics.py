"""Panics of native code as errors of the engine."""

import logging
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from chat.serving.errors import EngineFailed

log = logging.getLogger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def without_panic(work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Call `work`; what it raises beside `Exception` becomes EngineFailed.

    A panic in Rust code (tokenizers, llguidance) arrives as a `PanicException`, which derives from
    BaseException: it would pass every handler of a request, and end a thread or the event loop.
    """
    try:
        return work(*arguments)
    except Exception:  # passed on as it is: only what is no Exception is changed below
        raise
    except BaseException as panic:
        log.exception("native code panicked")
        raise EngineFailed from panic
