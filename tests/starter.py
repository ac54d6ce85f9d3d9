"""The starter model for tests that need real weights: built once, cached for later runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.weights.catalogue import STARTER_FOLDER
from engine.weights.resolve import checked_folder

ROOT = Path(__file__).parents[1]
MODELS = Path.home() / ".cache" / "qwen-chat" / "models"
VARIABLE = "QWEN_CHAT_TEST_MODEL"
TIMEOUT_S = 900


@pytest.fixture(scope="session")
def starter_model() -> Path:
    """A folder of real weights: the one that QWEN_CHAT_TEST_MODEL names, else the starter model."""
    if named := os.environ.get(VARIABLE):
        return checked_folder(Path(named))
    completed = subprocess.run(
        [sys.executable, "download_model.py", "--source", "starter", "--models-dir", str(MODELS)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if completed.returncode:
        pytest.fail(f"{completed.stdout.strip()} For tests: {VARIABLE}=FOLDER.", pytrace=False)
    return MODELS / STARTER_FOLDER
