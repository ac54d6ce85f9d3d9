"""Where the app listens and how it is, for start.sh: `python -m api.ops.probe COMMAND`.

    where [settings]   address to ask, address to show, log file, seconds an end may take,
                       file of the set-up link
    health ADDRESS     exit code 0 if the process answers there
    wait ADDRESS PID SECONDS
                       the same, as soon as it answers; not if the process PID ends before
    ready ADDRESS      the state of the model in words; exit code 0 if it is ready

Reads the settings as app.py does, so that nothing else has to know flags, variables or .env.
"""

import http.client
import ipaddress
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from api.ops.setup_link import FILE_NAME, base_addresses
from config import Settings, SettingsError, read_settings

TIMEOUT_S = 12.0
"""Longer than /readyz takes: `chat.serving.readiness.PROBE_S` and some overhead."""

POLL_S = 0.2


def addresses(settings: Settings) -> tuple[str, str]:
    """The address under which this machine reaches the app, and the one to print for users."""
    printed = base_addresses(settings, port=settings.port, machine_name=socket.gethostname())
    return f"http://{_for_url(_reachable(settings.host))}:{settings.port}", printed[0]


def fetch(address: str, path: str) -> tuple[int, bytes] | None:
    """Status and body of a response; None without one. Ignores proxy settings."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    try:
        # "localhost" is always an allowed host, whatever address the app listens on.
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def describe(state: Mapping[str, object]) -> str:
    """The state reported by /readyz, as one line."""
    if state["ready"]:
        # Where people sign in, a visitor without a session is not told the model.
        return f"ready: {state['model']}" if state["model"] else "ready"
    words = [str(state["phase"])]
    words += [str(state[key]) for key in ("stage", "error_code") if state[key]]
    if isinstance(state["progress"], float):
        words.append(f"{state['progress']:.0%}")
    if isinstance(state["seconds_left"], float):
        words.append(f"about {state['seconds_left']:.0f} s left")
    return ", ".join(words)


def main(arguments: Sequence[str]) -> int:
    """The command. Its exit code."""
    command, *rest = arguments
    if command == "where":
        return _where(rest)
    if command == "wait":
        address, process_id, seconds = rest
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C ends it without a traceback
        return 0 if _wait(address, int(process_id), float(seconds)) else 1
    answer = fetch(rest[0], "/healthz" if command == "health" else "/readyz")
    if answer is None:
        return 1
    status, body = answer
    if command == "ready":
        sys.stdout.write(describe(json.loads(body)) + "\n")
    return 0 if status == http.client.OK else 1


def _wait(address: str, process_id: int, seconds: float) -> bool:
    """Whether it answers within so many seconds, and before the process has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and _is_alive(process_id):
        answer = fetch(address, "/healthz")
        if answer and answer[0] == http.client.OK:
            return True
        time.sleep(POLL_S)
    return False


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def _where(arguments: Sequence[str]) -> int:
    try:
        settings = read_settings(arguments)
    except SettingsError as error:
        sys.stderr.write(f"qwen-chat: {error}\n")
        return 1
    if settings.port == 0:
        sys.stderr.write("qwen-chat: in the background the app needs a fixed --port.\n")
        return 1
    grace_s = round(settings.shutdown_notice_s + settings.shutdown_grace_s)
    link = settings.data_dir / FILE_NAME
    for value in (*addresses(settings), settings.log_file, grace_s, link):
        sys.stdout.write(f"{value}\n")
    return 0


def _reachable(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return "127.0.0.1" if address.is_unspecified else host  # "::" has it too


def _for_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
