"""`python -m bench [FOLDER]`: measure this machine and write bench/results/DEVICE.md."""

import argparse
import asyncio
import re
import socket
from pathlib import Path

from bench import app, engine
from bench.figures import as_markdown
from bench.machine import describe_machine
from engine.card import read_card

RESULTS = Path(__file__).parent / "results"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("folder", type=Path, help="a model folder")
    folder = parser.parse_args().folder.resolve()
    device, figures = asyncio.run(engine.measure(folder))
    figures += app.measure(folder, free_port(), kv_mib=0)
    model = read_card(folder).name
    report = as_markdown(model, describe_machine(device), figures)
    print(report)
    RESULTS.mkdir(exist_ok=True)
    name = re.sub(r"[^a-z0-9.]+", "-", f"{model} {device}".lower()).strip("-")
    (RESULTS / f"{name}.md").write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
