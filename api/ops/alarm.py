"""A timer of the kernel that ends the process when its event loop no longer runs.

Native code that never returns and keeps Python's lock stops every thread, the watchdog's too: only
the kernel can still end the process. A supervisor then starts a new one, as after a crash.
"""

import faulthandler
import signal

TRACEBACK_SHARE = 0.8
"""Share of the timer after which every thread's traceback is written to stderr."""


class LoopAlarm:
    """Ends the process by SIGALRM, `timeout_s` after the last `set`.

    `faulthandler` writes the tracebacks before, from a C thread that does not need Python's lock.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    def set(self) -> None:
        """Begin anew. To be called from the event loop, several times within `timeout_s`."""
        signal.setitimer(signal.ITIMER_REAL, self._timeout_s)
        faulthandler.dump_traceback_later(self._timeout_s * TRACEBACK_SHARE)

    def clear(self) -> None:
        """End nothing any more."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
