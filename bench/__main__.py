"""`python -m bench [FOLDER]`: measure this machine and write bench/results/MODEL-DEVICE.md.

Without a folder: the model that the app would take.
"""

import argparse
import asyncio
import re
import socket
import sys
from pathlib import Path

from bench import app, engine
from bench.figures import as_markdown
from bench.machine import describe_machine
from config import read_settings
from engine.card import read_card
from engine.machine import inspect_machine
from engine.wanted import model_at_hand

RESULTS = Path(__file__).parent / "results"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def model_of_the_app() -> Path:
    """Raises SystemExit when there is none yet."""
    settings = read_settings([])
    machine = inspect_machine(settings.device)
    folder = model_at_hand(settings.model, settings.models_dir, app.ROOT, machine)
    if folder is None:
        sys.exit("There is no model yet: run ./start.sh once, or name a folder.")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="a model folder")
    folder = parser.parse_args().folder or model_of_the_app()
    device, figures = asyncio.run(engine.measure(folder.resolve()))
    figures += app.measure(folder.resolve(), free_port(), engine.kv_budget_mib(folder))
    model = read_card(folder).name
    report = as_markdown(model, describe_machine(device), figures)
    print(report)
    RESULTS.mkdir(exist_ok=True)
    name = re.sub(r"[^a-z0-9.]+", "-", f"{model} {device}".lower()).strip("-")
    (RESULTS / f"{name}.md").write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
