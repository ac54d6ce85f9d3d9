"""start.sh: creates the environment once; then run, start, status, restart, stop.

Runs in a copy, with fakes of app.py and pip: nothing is installed.
"""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]

APP = """
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from config import read_settings

settings = read_settings()
if settings.model == "broken":
    sys.exit("qwen-chat: There is no model named broken.")

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/lost":
            os._exit(75)
        if self.path == "/abort":
            os.abort()
        if self.path == "/pid":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(str(os.getpid()).encode())
            return
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()
        state = {"ready": False, "phase": "loading", "stage": "download", "progress": 0.25,
                 "seconds_left": 90.0, "error_code": None, "model": None}
        self.wfile.write(json.dumps(state).encode())
    def log_message(self, *arguments):
        pass

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("arguments:", sys.argv[1:], "index:", os.environ.get("PIP_INDEX_URL"), flush=True)
HTTPServer(("127.0.0.1", settings.port), Handler).serve_forever()
"""

PYTHON = """\
#!/usr/bin/env bash
venv=$(dirname "$0")/..
if [[ "${1:-} ${2:-}" == "-m pip" ]]; then
  [[ -e $venv/has-pip ]] || { echo "No module named pip" >&2; exit 1; }
  [[ $3 != --version ]] || exit 0
  echo "${*:3} index=${PIP_INDEX_URL:-}" >>"$(dirname "$0")/pip.calls"
  case "$*" in
    *--dry-run*)
      [[ ${KILLED_IN:-} != choice ]] || kill -9 0
      echo "ERROR: No matching distribution found"
      exit "${NO_CPU_BUILD:-0}"
      ;;
  esac
  [[ -z ${PIP_SAYS:-} ]] || { echo "$PIP_SAYS"; exit 1; }
  [[ ! -e $venv/half-a-package ]] || exit 0  # pip takes it for an installed one
  touch "$venv/half-a-package"
  [[ ${KILLED_IN:-} != packages ]] || kill -9 0
  while [[ -n ${PIP_WAITS_FOR:-} && ! -e $PIP_WAITS_FOR ]]; do sleep 0.05; done
  rm "$venv/half-a-package"
  exit 0
fi
exec %s "$@"
"""

PYTHON_WITH_VENV = """\
#!/usr/bin/env bash
[[ "${1:-} ${2:-}" == "-m venv" ]] || exec %s "$@"
mkdir -p "$3/bin"
cp "$(dirname "$0")/python-of-venv" "$3/bin/python"
[[ ${KILLED_IN:-} != environment ]] || kill -9 0
touch "$3/has-pip"
"""


@dataclass(frozen=True)
class Place:
    """A copy of the project's scripts, and the environment to run them in."""

    root: Path
    port: int

    def run(
        self, *arguments: str, timeout_s: float = 60, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        own = {"QWEN_CHAT_PORT": str(self.port), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [self.root / "start.sh", *arguments],
            env=os.environ | own | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
            start_new_session=True,  # so that a fake can kill all of it
        )

    @property
    def pid(self) -> int:
        return int((self.root / "data/qwen-chat.pid").read_text(encoding="utf-8").split()[0])

    @property
    def output(self) -> str:
        return (self.root / "data/qwen-chat.out").read_text(encoding="utf-8")

    @property
    def pip_calls(self) -> list[str]:
        calls = self.root / ".venv/bin/pip.calls"
        return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


def write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    root = tmp_path / "a folder"
    (root / "api" / "ops").mkdir(parents=True)
    copied = ("start.sh", "config.py", "env_file.py", "requirements.txt")
    for name in (
        *copied,
        "api/__init__.py",
        "api/ops/__init__.py",
        "api/ops/probe.py",
        "api/ops/setup_link.py",
    ):
        shutil.copy(ROOT / name, root / name)
    (root / "app.py").write_text(APP, encoding="utf-8")
    write_script(root / ".venv/bin/python", PYTHON % sys.executable)
    (root / ".venv/has-pip").touch()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    place = Place(root, port)
    yield place
    place.run("stop")


def without_driver(place: Place) -> bool:
    return not Path("/proc/driver/nvidia/version").exists() and not shutil.which("nvidia-smi")


def test_start_status_and_stop_work(place: Place) -> None:
    assert place.run("status").returncode == 3
    started = place.run("start", "--keep-turns", "3")
    assert started.returncode == 0, started.stderr
    assert f"http://127.0.0.1:{place.port}" in started.stdout

    status = place.run("status")
    assert status.returncode == 0
    assert f"pid {place.pid}" in status.stdout
    assert "Model: loading, download, 25%, about 90 s left" in status.stdout
    assert "'--keep-turns', '3'" in place.output

    assert "Stopped." in place.run("stop").stdout
    socket.create_server(("127.0.0.1", place.port)).close()
    assert place.run("status").returncode == 3
    assert place.run("stop").stdout == "Not running.\n"


def test_status_shows_the_set_up_link_while_its_file_is_readable(
    place: Place,
) -> None:
    (place.root / "data").mkdir()
    link = place.root / "data/setup-link"
    link.write_text("http://chat.example/welcome#secret\n", encoding="utf-8")
    place.run("start")
    assert "  http://chat.example/welcome#secret\n" in place.run("status").stdout
    assert "secret" not in place.output
    link.unlink()
    status = place.run("status")
    assert status.returncode == 0
    assert "administrator" not in status.stdout


def test_a_second_start_does_not_affect_the_running_app(place: Place) -> None:
    place.run("start")
    pid = place.pid
    assert "Already running" in place.run("start").stdout
    assert place.pid == pid


def test_restart_reuses_the_last_settings_unless_others_are_passed(place: Place) -> None:
    place.run("start", "--keep-turns", "3", "--log-file", "a b.log")
    pid = place.pid
    place.run("restart")
    assert place.pid != pid
    assert "['--keep-turns', '3', '--log-file', 'a b.log']" in place.output
    place.run("restart", "--keep-turns", "4")
    assert "['--keep-turns', '4']" in place.output


def test_a_failed_start_prints_the_reason_and_leaves_no_files(place: Place) -> None:
    ended = place.run("start", "--model", "broken")
    assert ended.returncode == 1
    assert "There is no model named broken." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert place.run("status").returncode == 3


def test_a_misspelt_setting_is_reported_before_the_start(place: Place) -> None:
    ended = place.run("start", "--modle", "x")
    assert ended.returncode == 1
    assert "--model" in ended.stderr
    assert not (place.root / "data/qwen-chat.pid").exists()


def test_a_misspelt_command_is_reported_with_the_existing_ones(place: Place) -> None:
    ended = place.run("stpo")
    assert ended.returncode == 1
    assert "There is no command 'stpo'" in ended.stderr
    assert "stop restart status logs install" in ended.stderr


def test_a_reused_pid_does_not_count_as_running(place: Place) -> None:
    place.run("start")
    file = place.root / "data/qwen-chat.pid"
    ours = place.pid
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n", encoding="utf-8")
    assert place.run("status").returncode == 3
    assert place.run("stop").stdout == "Not running.\n"
    os.kill(ours, signal.SIGTERM)


def test_a_process_that_was_killed_is_not_running(place: Place) -> None:
    place.run("start")
    killed = psutil.Process(place.pid)
    killed.kill()
    killed.wait(30)  # SIGKILL takes effect a little later
    assert place.run("status").returncode == 3
    assert place.run("start").returncode == 0


def test_other_arguments_go_to_the_app_in_the_foreground(place: Place) -> None:
    ended = place.run("--model", "broken")
    assert ended.returncode == 1
    assert ended.stderr.endswith("There is no model named broken.\n")
    assert "--keep-turns" in place.run("run", "--help").stdout


def test_the_second_run_does_not_call_pip(place: Place) -> None:
    assert place.run("install").returncode == 0
    calls = place.pip_calls
    assert calls
    assert place.run("install").stdout == ""
    assert place.pip_calls == calls


@pytest.fixture
def base_python(place: Place) -> str:
    """A Python from which start.sh makes the fake environment; there is none yet."""
    shutil.rmtree(place.root / ".venv")
    python = place.root / "base/python3"
    write_script(python, PYTHON_WITH_VENV % sys.executable)
    write_script(python.with_name("python-of-venv"), PYTHON % sys.executable)
    return str(python)


@pytest.mark.parametrize("stage", ["environment", "choice", "packages"])
@pytest.mark.parametrize("again", ["first", "changed"])
def test_a_killed_installation_is_repeated(
    place: Place, base_python: str, stage: str, again: str
) -> None:
    if again == "changed":
        assert place.run("install", PYTHON=base_python).returncode == 0
        with (place.root / "requirements.txt").open("a", encoding="utf-8") as file:
            file.write("\n# more\n")
    killed = place.run("start", PYTHON=base_python, KILLED_IN=stage)
    if (stage, again) == ("environment", "changed"):
        assert killed.returncode == 0  # the environment was there already
        return
    assert killed.returncode == -signal.SIGKILL
    started = place.run("start", PYTHON=base_python)
    assert started.returncode == 0, started.stderr
    assert not (place.root / ".venv/half-a-package").exists()
    assert place.run("install").stdout == ""


def test_a_tilde_in_the_path_of_python_stands_for_the_home_folder(
    place: Place, base_python: str
) -> None:
    tilde = "~/" + str(Path(base_python).relative_to(place.root))
    installed = place.run("install", PYTHON=tilde, HOME=str(place.root))
    assert installed.returncode == 0, installed.stderr


def test_an_environment_without_pip_is_rebuilt(place: Place, base_python: str) -> None:
    """As a killed start of an older version left it."""
    write_script(place.root / ".venv/bin/python", PYTHON % sys.executable)
    assert place.run("install", PYTHON=base_python).returncode == 0
    assert (place.root / ".venv/has-pip").exists()


@pytest.mark.skipif(not shutil.which("flock"), reason="this system has no flock")
def test_a_second_start_waits_for_the_installation_of_the_first(
    place: Place, base_python: str
) -> None:
    gate = place.root / "gate"
    environment = os.environ | {"PYTHON": base_python, "PIP_WAITS_FOR": str(gate)}
    command = [str(place.root / "start.sh"), "install"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        while not first.stdout.readline().startswith("Installing the packages"):
            pass
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True
        ) as second:
            assert second.stdout
            assert "waiting for it" in second.stdout.readline()
            gate.touch()
            assert second.wait(60) == first.wait(60) == 0
    assert len([call for call in place.pip_calls if "--dry-run" not in call]) == 1


def test_changed_requirements_are_installed(place: Place) -> None:
    place.run("install")
    calls = place.pip_calls
    with (place.root / "requirements.txt").open("a", encoding="utf-8") as file:
        file.write("\n# more\n")
    place.run("install")
    assert len(place.pip_calls) > len(calls)


def test_without_a_driver_the_cpu_build_of_torch_is_installed_if_available(place: Place) -> None:
    if not without_driver(place):
        pytest.skip("this machine has an NVIDIA driver")
    constraints = place.root / ".venv/constraints.txt"
    assert place.run("install").returncode == 0
    assert constraints.read_text(encoding="utf-8").rstrip().endswith("+cpu")
    (place.root / ".venv/installed").unlink()
    ended = place.run("install", NO_CPU_BUILD="1")
    assert ended.returncode == 0
    assert "no CPU build" in ended.stderr
    assert "+cpu" not in constraints.read_text(encoding="utf-8")


def test_with_a_driver_the_default_build_of_torch_is_installed(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin/nvidia-smi"
    tool.write_text("#!/bin/sh\n", encoding="utf-8")
    tool.chmod(0o755)
    place.run("install", PATH=f"{tool.parent}:{os.environ['PATH']}")
    assert "+cpu" not in (place.root / ".venv/constraints.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "flags", [("--index-url", "https://m/simple"), ("--index-url=https://m/simple",)]
)
def test_the_index_url_reaches_pip_and_the_app_as_pips_own_setting(
    place: Place, flags: tuple[str, ...]
) -> None:
    place.run("start", *flags)
    assert all(call.endswith("index=https://m/simple") for call in place.pip_calls)
    assert "arguments: [] index: https://m/simple" in place.output


@pytest.mark.parametrize(
    ("pip_message", "sentence"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError'", "no package index"),
        ("ERROR: Could not install: No space left on device", "the disk is full"),
        ("ERROR: No matching distribution found for gradio", "No matching distribution found"),
    ],
)
def test_a_failed_installation_is_one_sentence_and_is_retried(
    place: Place, pip_message: str, sentence: str
) -> None:
    ended = place.run("install", PIP_SAYS=pip_message)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("qwen-chat: The packages could not")
    assert sentence in ended.stderr
    assert place.run("install").returncode == 0


def test_a_python_that_is_too_old_has_its_own_message(place: Place, tmp_path: Path) -> None:
    shutil.rmtree(place.root / ".venv")
    old = tmp_path / "python3.10"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    ended = place.run("install", PYTHON=str(old))
    assert ended.returncode == 1
    assert "3.11 or newer" in ended.stderr
    assert not (place.root / ".venv").exists()


def test_a_python_without_venv_names_the_package(place: Place, tmp_path: Path) -> None:
    shutil.rmtree(place.root / ".venv")
    python = tmp_path / "python3"
    text = """\
        #!/bin/sh
        [ "$1" = -m ] || exec python3 "$@"
        echo "The virtual environment was not created: ensurepip is not available."
        exit 1
        """
    python.write_text(textwrap.dedent(text), encoding="utf-8")
    python.chmod(0o755)
    ended = place.run("install", PYTHON=str(python))
    assert ended.returncode == 1
    assert "python3-venv" in ended.stderr


def app_pid(place: Place) -> int:
    """The process id of the app itself, once it answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{place.port}/pid") as answer:
                return int(answer.read())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the app does not answer")


def end(place: Place, path: str) -> None:
    with suppress(OSError, http.client.HTTPException):
        urllib.request.urlopen(f"http://127.0.0.1:{place.port}{path}")


@pytest.mark.parametrize("path", ["/lost", "/abort"])
def test_an_app_that_crashed_is_started_again_and_stop_ends_it_for_good(
    place: Place, path: str
) -> None:
    assert place.run("start").returncode == 0
    first = app_pid(place)
    end(place, path)
    second = app_pid(place)
    assert second != first
    assert "is started again in 1 s" in place.output
    assert place.run("status").stdout.startswith("Running")
    assert "Stopped." in place.run("stop").stdout
    assert not psutil.pid_exists(second)
    assert place.run("status").returncode == 3


def test_stop_ends_the_wait_before_a_new_start(place: Place) -> None:
    assert place.run("start").returncode == 0
    for _ in range(3):  # the next start would wait 4 s
        app_pid(place)
        end(place, "/lost")
    assert "Stopped." in place.run("stop").stdout
    assert place.run("status").returncode == 3
