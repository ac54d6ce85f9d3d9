"""Errors at start: one sentence, an exit code, and no traceback."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Run the app with its own home folder until it exits."""

    def start(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        own = {
            "QWEN_CHAT_DATA_DIR": str(tmp_path / "data"),
            "QWEN_CHAT_LOG_FILE": str(tmp_path / "server.log"),
            "QWEN_CHAT_MODELS_DIR": str(tmp_path / "models"),
            "QWEN_CHAT_PORT": "0",
            "HOME": str(tmp_path),
        }
        return subprocess.run(
            [sys.executable, "app.py", *arguments],
            cwd=ROOT,
            env=os.environ | own | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return start


def assert_one_sentence(ended: "subprocess.CompletedProcess[str]", *parts: str) -> None:
    last = ended.stderr.rstrip().splitlines()[-1]
    assert ended.returncode not in (0, None), ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    assert last.startswith("qwen-chat: ")
    for part in parts:
        assert part in last


@pytest.mark.parametrize("command", ["app.py", "download_model.py"])
def test_a_python_without_the_packages(command: str) -> None:
    bare = subprocess.run(
        [sys.executable, "-I", "-S", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert bare.returncode == 1
    assert "./start.sh" in bare.stderr
    assert "Traceback" not in bare.stderr


def test_a_misspelt_flag(start: Start) -> None:
    assert_one_sentence(start("--modle", "x"), "--modle", "--model")


def test_a_misspelt_variable(start: Start) -> None:
    assert_one_sentence(start(QWEN_CHAT_PROT="1"), "QWEN_CHAT_PROT", "QWEN_CHAT_PORT")


def test_a_port_in_use(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        assert_one_sentence(start("--port", port), port, "--port")


def test_a_data_folder_that_cannot_be_created(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_one_sentence(start("--data-dir", str(tmp_path / "file" / "data")), "file")


def test_a_log_file_that_cannot_be_written(start: Start, tmp_path: Path) -> None:
    assert_one_sentence(start("--log-file", str(tmp_path)), str(tmp_path))


def test_an_unknown_model(start: Start) -> None:
    assert_one_sentence(start("--model", "Qwen2.5-8B-Instruct"), "Qwen2.5-8B-Instruct")


def test_a_folder_without_a_model(start: Start, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_one_sentence(start("--model", str(tmp_path / "empty")), "empty")


def test_a_missing_shard(start: Start, starter_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in starter_model.iterdir():
        if not file.name.startswith("model-00002"):
            (folder / file.name).symlink_to(file)
    assert_one_sentence(start("--model", str(folder)), "model-00002")


def test_a_damaged_shard(start: Start, starter_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in starter_model.iterdir():
        if file.name.startswith("model-00002"):
            (folder / file.name).write_bytes(file.read_bytes()[:1000])
        else:
            (folder / file.name).symlink_to(file)
    assert_one_sentence(start("--model", str(folder)), "model-00002")


def test_device_cuda_without_a_gpu(start: Start, starter_model: Path) -> None:
    if Path("/proc/driver/nvidia").exists():
        pytest.skip("this machine has an NVIDIA driver")
    assert_one_sentence(start("--device", "cuda", "--model", str(starter_model)), "--device")


def test_no_network_and_no_model(start: Start) -> None:
    closed = "http://127.0.0.1:9"
    ended = start(
        HF_ENDPOINT=closed,
        MODELSCOPE_DOMAIN="127.0.0.1:9",
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS="",
        HTTPS_PROXY=closed,
        HTTP_PROXY=closed,
    )
    assert_one_sentence(
        ended,
        "starter model",
        "Hugging Face does not answer",
        "Check the network",
        "--model FOLDER",
    )
    assert "No NVIDIA GPU: 0.5B" in ended.stderr  # why it was chosen
