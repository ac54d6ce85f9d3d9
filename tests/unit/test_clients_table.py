"""The table of `python -m bench --clients`, and its copy in docs/api.md."""

import json
import re
from pathlib import Path

import pytest

from bench.clients.environments import CLIENTS, Client
from bench.clients.trial import MAX_ERROR, Tried, as_table, chosen_clients, read_report

ROOT = Path(__file__).parents[2]
NODE = Client("x", "X for Node.js", ("@x/sdk@1.2.3", "zod@4"), "x.mjs")


def test_a_row_says_what_works_and_what_does_not_in_one_line() -> None:
    failed = {"streaming": f"Error: a | b\nsecond line {'x' * 500}"}
    row = as_table([Tried(CLIENTS[0], ("chat", "tools"), failed)]).splitlines()[2]
    cells = [cell.strip() for cell in row.strip("|").split(" | ")]
    assert cells[:3] == [CLIENTS[0].title, CLIENTS[0].version, "chat; tools"]
    assert cells[3].startswith("streaming: Error: a / b second line xxx")
    assert len(cells[3]) <= len("streaming: ") + MAX_ERROR + 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", cells[4])


def test_a_client_that_was_not_tried_keeps_its_row() -> None:
    first = as_table([Tried(CLIENTS[0], ("chat",), {}), Tried(CLIENTS[1], ("chat",), {})])
    second = as_table([Tried(CLIENTS[0], ("chat", "tools"), {})], f"# Clients\n\n{first}")
    assert "chat; tools" in second.splitlines()[2]
    assert second.splitlines()[3:] == first.splitlines()[3:]


def test_a_script_that_ends_early_is_an_error_of_its_own() -> None:
    report = "\n".join(
        json.dumps(line)
        for line in ({"step": "chat", "error": None}, {"step": "tools", "error": "Bad: no"})
    )
    tried = read_report(NODE, report, "Segmentation fault")
    assert tried.works == ["chat"]
    assert tried.failed == {"tools": "Bad: no", "the script itself": "Segmentation fault"}


def test_an_environment_is_named_by_package_and_version() -> None:
    assert NODE.folder.name == "npm-x-sdk-1.2.3"
    assert {client.name: client.folder.name for client in CLIENTS}["pydantic-ai"].startswith(
        "pydantic-ai-slim-2."
    )


def test_every_client_has_a_name_of_its_own_an_exact_version_and_a_script() -> None:
    scripts = ROOT / "bench" / "clients" / "scripts"
    assert len({client.name for client in CLIENTS}) == len(CLIENTS)
    for client in CLIENTS:
        assert re.fullmatch(r"\d+(\.\d+)+", client.version), client.name
        assert (scripts / client.script).exists(), client.name


def test_an_unknown_client_is_named() -> None:
    assert [client.name for client in chosen_clients(["langchain"])] == ["langchain"]
    with pytest.raises(SystemExit, match="Unknown: nobody"):
        chosen_clients(["nobody"])


def test_the_document_has_the_newest_table() -> None:
    newest = (ROOT / "bench" / "results" / "clients.md").read_text(encoding="utf-8")
    document = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    rows = [line for line in newest.splitlines() if line.startswith("|")]
    assert len(rows) > 6
    assert "\n".join(rows) in document
