"""`python -m bench [FOLDER]`: measure this machine and write bench/results/MODEL-DEVICE.md.

Without a folder: the model that the app would take. `--store`: the database instead of a model,
a SQLite one of its own or, with `--database-url`, in an empty one of PostgreSQL. `--feedback`:
results, dashboard and exports of ratings, likewise. `--grammar`: answers of a given shape.
`--page`: a long conversation, many users, and an answer on a slow phone; with `--against FOLDER`
this server and another checkout's in turns. `--fairness` with `--against FOLDER`: short prompts
beside a long one, on a model, likewise. `--steps`: single steps of the engine, likewise.
`--clients [NAME …]`: public clients of the API, in environments of their own, against the app with
a model. These need tests/requirements.txt.
"""

import argparse
import asyncio
import re
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import app, engine, feedback, grammar, steps, store
from bench.clients import trial
from bench.machine import describe_machine
from bench.measurements import Measurement, as_markdown
from config import path_argument, read_settings
from engine.weights.card import read_card
from engine.weights.hardware import inspect_machine
from engine.weights.resolve import local_model

RESULTS = Path(__file__).parent / "results"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def model_of_the_app() -> Path:
    """The model's folder. Raises SystemExit if there is none yet."""
    settings = read_settings([])
    machine = inspect_machine(settings.device)
    folder = local_model(settings.model, settings.models_dir, app.ROOT, machine)
    if folder is None:
        sys.exit("There is no model yet: run ./start.sh once, or name a folder.")
    return folder


def main() -> None:
    options = parse_options()
    chosen = next((name for name in MEASURES if getattr(options, name) not in (None, False)), "")
    MEASURES.get(chosen, measure_model)(options)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("folder", type=path_argument, nargs="?", help="a model folder")
    parser.add_argument("--store", action="store_true", help="measure the database, not a model")
    parser.add_argument("--feedback", action="store_true", help="measure pages for hosts")
    parser.add_argument("--grammar", action="store_true", help="measure answers of a given shape")
    parser.add_argument("--page", action="store_true", help="measure the page, not a model")
    parser.add_argument("--fairness", action="store_true", help="measure how prompts are read")
    parser.add_argument("--long", type=int, default=2000, help="tokens of its long prompt")
    parser.add_argument("--steps", action="store_true", help="measure single steps of the engine")
    parser.add_argument("--against", type=path_argument, help="another checkout, in turns")
    parser.add_argument("--api", action="store_true", help="measure the API, then on the model")
    parser.add_argument("--clients", nargs="*", help="try public clients: all, or these")
    parser.add_argument("--database-url", help="where: an empty PostgreSQL database")
    return parser.parse_args()


def model_in(options: argparse.Namespace) -> Path:
    """The model's folder: the one that was named, or that of the app."""
    return Path(options.folder or model_of_the_app()).resolve()


def other_in(options: argparse.Namespace) -> Path:
    """The checkout to compare with: the one that was named, or this one."""
    return Path(options.against or app.ROOT).resolve()


def measure_model(options: argparse.Namespace) -> None:
    folder = model_in(options)
    device, measurements = asyncio.run(engine.measure(folder))
    measurements += app.measure(folder, free_port(), engine.kv_budget_mib(folder))
    write_report(read_card(folder).name, device, measurements)


def measure_grammar(options: argparse.Namespace) -> None:
    folder = model_in(options)
    device, measurements = asyncio.run(grammar.measure(folder))
    write_report(f"Grammar {read_card(folder).name}", device, measurements)


def measure_store(options: argparse.Namespace) -> None:
    measurements = asyncio.run(store.measure(options.database_url))
    write_report("Store", "PostgreSQL" if options.database_url else "SQLite", measurements)


def measure_feedback(options: argparse.Namespace) -> None:
    measurements = asyncio.run(feedback.measure(options.database_url))
    write_report("Feedback", "PostgreSQL" if options.database_url else "SQLite", measurements)


def measure_page(options: argparse.Namespace) -> None:
    from bench import page, page_load, page_stream  # noqa: PLC0415 - need tests/requirements.txt

    if options.against:
        write_report("Page", "in turns", asyncio.run(page_load.compare(other_in(options))))
        return
    figures = [*page.measure(), *page_stream.measure()]
    write_report("Page", "Chromium", figures + asyncio.run(page_load.measure()))


def measure_fairness(options: argparse.Namespace) -> None:
    from bench import fairness  # noqa: PLC0415 - needs tests/requirements.txt

    folder, ports = model_in(options), (free_port(), free_port())
    measurements = asyncio.run(fairness.compare(folder, other_in(options), ports, options.long))
    write_report("Fairness", read_card(folder).name, measurements)


def measure_steps(options: argparse.Namespace) -> None:
    folder = model_in(options)
    measurements = steps.compare(folder, other_in(options))
    write_report(f"Steps {read_card(folder).name}", "CPU in turns", measurements)


def measure_api(options: argparse.Namespace) -> None:
    from bench import api  # noqa: PLC0415 - as above

    folder = model_in(options)
    measurements = asyncio.run(api.measure())
    measurements += asyncio.run(api.measure_model(folder, free_port()))
    write_report("API", read_card(folder).name, measurements)


def try_clients(options: argparse.Namespace) -> None:
    """Print and save a table of the clients, of which these are tried; all if none is named."""
    model, saved = model_in(options), RESULTS / "clients.md"
    head = f"# Clients\n\n`python -m bench --clients`, model {read_card(model).name}.\n\n"
    table = saved.read_text(encoding="utf-8") if saved.exists() else ""
    for tried in trial.try_clients(model, free_port(), options.clients):
        table = trial.as_table([tried], table)
        saved.write_text(head + table, encoding="utf-8")  # each at once: the whole takes long
    print(table)


def write_report(subject: str, device: str, measurements: list[Measurement]) -> None:
    """Print and save the report of a subject on a device."""
    report = as_markdown(subject, describe_machine(device), measurements)
    print(report)
    RESULTS.mkdir(exist_ok=True)
    name = re.sub(r"[^a-z0-9.]+", "-", f"{subject} {device}".lower()).strip("-")
    (RESULTS / f"{name}.md").write_text(report, encoding="utf-8")


MEASURES: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "store": measure_store,
    "feedback": measure_feedback,
    "page": measure_page,
    "fairness": measure_fairness,
    "clients": try_clients,
    "grammar": measure_grammar,
    "steps": measure_steps,
    "api": measure_api,
}
"""What is measured with a flag; without one the model is."""

if __name__ == "__main__":
    main()
