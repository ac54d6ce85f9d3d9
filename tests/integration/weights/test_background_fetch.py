"""download_model.py and the app's side of it: real child processes, a local hub."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from chat.errors import ModelUnavailable
from chat.serving.models import EngineState, LoadStage, Phase
from config import Settings, read_settings
from engine.weights.background import ensure_model
from engine.weights.card import read_card
from engine.weights.verify import find_problems, is_complete
from tests.hub_server import Hub, Repo, serve_hub
from tests.tiny_model import SHARDS, write_tiny_model

ROOT = Path(__file__).parents[3]
NAME = "Qwen2.5-0.5B-Instruct"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Point both hub clients, here and in child processes, to a local hub, and pip to nothing."""
    repo = Repo(write_tiny_model(tmp_path / "offered"))
    with serve_hub({f"Qwen/{NAME}": repo}) as hub:
        point_at(hub.url, tmp_path, monkeypatch)
        yield hub


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(NOWHERE, tmp_path, monkeypatch)


def point_at(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "QWEN_CHAT_"))]:
        monkeypatch.delenv(name)
    own = {
        "HF_ENDPOINT": url,
        "HF_HUB_OFFLINE": "0",
        "MODELSCOPE_ENDPOINT": url,
        "HOME": str(tmp_path / "home"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def command(*arguments: str, models: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "download_model.py", "--models-dir", str(models), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def settings(models: Path, *arguments: str) -> Settings:
    flags = ["--models-dir", str(models), "--device", "cpu", *arguments]
    return read_settings(flags, {}, Path("no-such.env"))


def refuse(state: EngineState) -> None:
    raise AssertionError(f"a child was started: {state}")


def test_the_output_is_json_lines_that_end_with_the_folder(hub: Hub, models: Path) -> None:
    ended = command("--model", NAME, "--progress", "json", models=models)
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert lines[-1] == {"folder": str(models / NAME)}
    for line in lines[:-1]:
        assert LoadStage(line["stage"])
        assert line["progress"] is None or 0 <= line["progress"] <= 1
    assert lines[-2]["bytes"] == lines[-2]["total"] > 0


def test_a_failure_is_one_sentence_and_a_json_line_on_demand(
    no_network: None, models: Path
) -> None:
    plain = command("--model", NAME, models=models)
    assert plain.returncode == 1
    assert "Traceback" not in plain.stderr
    [sentence] = plain.stdout.splitlines()
    assert sentence.startswith(f"{NAME} cannot be had: Hugging Face does not answer")
    ended = command("--model", NAME, "--progress", "json", models=models)
    assert ended.returncode == 1
    assert json.loads(ended.stdout.splitlines()[-1]) == {
        "error": sentence,
        "code": "model_unavailable",
    }


def test_an_interrupted_download_is_completed_by_the_next_run(hub: Hub, models: Path) -> None:
    repo = hub.repos[f"Qwen/{NAME}"]
    repo.bytes_per_s = 40_000
    child = subprocess.Popen(
        [sys.executable, "download_model.py", "--model", NAME, "--models-dir", str(models)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not bytes_in_parts(models):
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "Traceback" not in output + errors
    assert not is_complete(models / NAME)

    repo.bytes_per_s = None
    hub.requests.clear()
    assert command("--model", NAME, models=models).returncode == 0
    assert find_problems(models / NAME, hashes=True) == []
    assert hub.ranges(SHARDS[0])[0].startswith("bytes=")


async def test_two_downloads_into_one_folder_wait_for_each_other(
    hub: Hub, models: Path, tmp_path: Path
) -> None:
    hub.repos[f"Qwen/{NAME}"].bytes_per_s = 200_000
    reported: list[EngineState] = []
    both = [ensure_model(settings(models), reported.append, app_dir=tmp_path) for _ in range(2)]
    assert await asyncio.gather(*both) == [models / NAME] * 2
    assert any("waiting for another download" in state.detail for state in reported)
    assert hub.ranges(SHARDS[0]) == [""]


def test_verify_lists_what_is_missing_and_what_is_damaged(models: Path) -> None:
    folder = write_tiny_model(models / "mine")
    assert command("--verify", str(folder), models=models).returncode == 0
    (folder / SHARDS[0]).write_bytes(b"damaged")
    (folder / SHARDS[1]).unlink()
    ended = command("--verify", str(folder), models=models)
    assert ended.returncode == 1
    assert f"{SHARDS[0]}: damaged" in ended.stdout
    assert f"{SHARDS[1]}: missing" in ended.stdout


def test_the_list_shows_sizes_licences_and_what_packed_models_need(models: Path) -> None:
    ended = command("--list", "--device", "cpu", models=models)
    assert ended.returncode == 0
    rows = {
        line[2:].split()[0]: line for line in ended.stdout.splitlines() if "B-Inst" in line[:40]
    }
    assert "Apache-2.0" in rows["Qwen2.5-7B-Instruct"]
    assert "Qwen Research licence, not Apache-2.0" in rows["Qwen2.5-3B-Instruct"]
    assert "gptqmodel, optimum" in rows["Qwen2.5-7B-Instruct-GPTQ-Int4"]
    assert "15.2     8.7     5.9" in rows["Qwen2.5-7B-Instruct"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "Qwen2.5-7B-Instuct"], "Did you mean Qwen2.5-7B-Instruct?"),
        (["--model", NAME, "--source", "starter"], "has only the starter model"),
        (["--verify", "no-such-folder"], "There is no folder no-such-folder"),
        (["--sauce", "x"], "--sauce"),
        (["--source", "x"], "invalid choice"),
    ],
)
def test_bad_arguments_end_in_one_sentence(
    models: Path, arguments: list[str], words: str, no_network: None
) -> None:
    ended = command(*arguments, models=models)
    output = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "Traceback" not in output
    assert words in output.splitlines()[-1]


def test_a_models_folder_that_cannot_be_created_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = command("--model", NAME, models=tmp_path / "file" / "models")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert str(tmp_path / "file") in ended.stdout


def test_the_bar_shows_speed_and_time_left(hub: Hub, models: Path) -> None:
    ended = command("--model", NAME, models=models)
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-1] == f"Complete: {models / NAME}"
    assert "B/s" in ended.stderr


async def test_a_finished_folder_needs_no_network_and_no_child(
    no_network: None, models: Path, tmp_path: Path
) -> None:
    write_tiny_model(models / NAME)
    for model in ("auto", NAME, str(models / NAME)):
        chosen = settings(models, "--model", model)
        assert await ensure_model(chosen, refuse, app_dir=tmp_path) == models / NAME


async def test_the_app_reports_the_progress_of_its_child(
    hub: Hub, models: Path, tmp_path: Path
) -> None:
    reported: list[EngineState] = []
    folder = await ensure_model(settings(models), reported.append, app_dir=tmp_path)
    assert folder == models / NAME
    assert read_card(folder).source == "huggingface"
    assert {state.phase for state in reported} == {Phase.LOADING}
    assert reported[0].detail.startswith(f"{NAME}. No NVIDIA GPU")
    assert reported[-1].progress == 1.0


async def test_the_childs_sentence_is_the_apps_error(
    no_network: None, models: Path, tmp_path: Path
) -> None:
    chosen = settings(models, "--model", NAME)
    with pytest.raises(ModelUnavailable, match=f"{NAME} cannot be had: Hugging Face does not"):
        await ensure_model(chosen, lambda state: None, app_dir=tmp_path)


async def test_without_any_source_the_error_names_the_starter_model(
    no_network: None, models: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match=r"The starter model .* cannot be had"):
        await ensure_model(settings(models), lambda state: None, app_dir=tmp_path)


async def test_cancelling_ends_the_child_and_keeps_the_partial_files(
    hub: Hub, models: Path, tmp_path: Path
) -> None:
    hub.repos[f"Qwen/{NAME}"].bytes_per_s = 40_000
    quiet = asyncio.create_task(
        ensure_model(settings(models), lambda state: None, app_dir=tmp_path)
    )
    async with asyncio.timeout(60):
        while not (came := bytes_in_parts(models)):  # noqa: ASYNC110 - a file sends no event
            await asyncio.sleep(0.05)
    quiet.cancel()
    with pytest.raises(asyncio.CancelledError):
        await quiet
    partial_bytes = bytes_in_parts(models)
    await asyncio.sleep(0.3)
    assert bytes_in_parts(models) == partial_bytes >= came > 0


def bytes_in_parts(models: Path) -> int:
    """Bytes of the first shard so far."""
    return sum(part.stat().st_size for part in models.glob(f"{NAME}/{SHARDS[0]}.*.part"))


def test_the_list_uses_settings_of_the_environment(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / "bin" / "nvidia-smi"
    driver.parent.mkdir()
    driver.write_text("#!/bin/sh\necho NVIDIA L4, 22491\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{driver.parent}{os.pathsep}{os.environ['PATH']}")
    assert "NVIDIA L4" in command("--list", models=models).stdout
    monkeypatch.setenv("QWEN_CHAT_DEVICE", "cpu")
    assert "no NVIDIA GPU" in command("--list", models=models).stdout
    monkeypatch.setenv("QWEN_CHAT_DEVICE", "gpu")
    refused = command("--list", models=models)
    assert refused.returncode == 1
    assert len(refused.stdout.splitlines()) == 1


async def test_leftover_partial_files_are_removed_from_a_finished_folder(
    hub: Hub, models: Path, tmp_path: Path
) -> None:
    assert command("--model", NAME, models=models).returncode == 0
    leftover = models / NAME / f"{SHARDS[0]}.0123abcd.part"
    leftover.write_bytes(b"begun")
    chosen = settings(models, "--model", NAME)
    assert await ensure_model(chosen, lambda state: None, app_dir=tmp_path) == models / NAME
    assert is_complete(models / NAME)


async def test_a_line_that_is_not_of_the_protocol_is_skipped(
    hub: Hub, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library of the child prints a line; here a module that Python imports by itself."""
    noise = "print('hello')\nprint(3)\n"
    (tmp_path / "sitecustomize.py").write_text(noise)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert await ensure_model(settings(models), lambda state: None, app_dir=tmp_path)
    assert is_complete(models / NAME)


async def test_the_error_of_a_child_that_has_already_ended_is_raised(
    no_network: None, models: Path, tmp_path: Path
) -> None:
    chosen = settings(models, "--model", NAME)

    def end_child(state: EngineState) -> None:
        """Kills the child without the event loop's knowledge, as a crash would."""
        [child] = psutil.Process().children()
        child.kill()
        child.wait(10)
        raise RuntimeError("the real error")

    with pytest.raises(RuntimeError, match="the real error"):
        await ensure_model(chosen, end_child, app_dir=tmp_path)
