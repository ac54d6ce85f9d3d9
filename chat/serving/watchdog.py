"""Ends the app when an engine can no longer answer, so that its supervisor starts a new process.

A native call that hangs cannot be interrupted from Python, and a GPU whose context is broken stays
so until the process ends: only a new process helps. `start.sh` in the background and systemd start
one.
"""

import asyncio
import logging
from collections.abc import Sequence

from chat.serving.errors import EngineStalled
from chat.serving.models import EngineState, Phase
from chat.serving.ports import Engine

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


async def until_lost(engines: Sequence[Engine], look_every_s: float = LOOK_EVERY_S) -> str:
    """Wait until an engine that was ready hangs or is dead; what is wrong with it, for the log.

    A step hangs when it takes longer than the stall time-out; the engine reports that itself.
    """
    served: set[int] = set()
    while True:
        for place, engine in enumerate(engines):
            state = engine.state
            if state.phase is Phase.READY:
                served.add(place)
            elif place in served and _is_lost(state):
                return state.detail
        await asyncio.sleep(look_every_s)


def _is_lost(state: EngineState) -> bool:
    hangs = state.phase is Phase.DEGRADED and state.error_code == EngineStalled.code
    return hangs or state.phase is Phase.DEAD
