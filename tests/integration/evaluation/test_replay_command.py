"""Regression cases from the command line, on a scripted engine and on the starter model."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chat.accounts.models import LOCAL
from chat.conversations.models import PresetText
from chat.conversations.presets import load_shipped
from chat.errors import ModelUnavailable
from chat.evaluation.models import CaseText, Check, CheckKind
from chat.models import ChatMessage, Role, Sampling
from chat.serving.errors import EngineFailed
from chat.serving.ports import Engine
from commands import replay
from commands.replay_words import printable
from config import Settings
from store import RoutingStore, open_store
from tests.cases import cases_of
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine

ROOT = Path(__file__).parents[3]
Command = Callable[..., tuple[int, str, str]]


def case(name: str, expected: str = "Hello", **more: Any) -> dict[str, Any]:
    prompt = [{"role": "user", "content": f"Say {name}"}]
    checks = [{"kind": "contains", "expected": expected}]
    return {"name": name, "prompt": prompt, "checks": checks} | more


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    def write(*cases: dict[str, Any], **head: Any) -> str:
        path = tmp_path / "cases.json"
        record = {"format": "qwen-chat-cases", "version": 1, "cases": cases} | head
        path.write_text(json.dumps(record), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command on a data folder of its own: exit code, output, complaints."""

    def run(
        *arguments: str, scripts: tuple[Script, ...] = (), engine: ScriptedEngine | None = None
    ) -> tuple[int, str, str]:
        used = engine or ScriptedEngine(list(scripts) or [Script()])

        async def load(settings: Settings) -> Engine:
            return used

        code = replay.main([*arguments, "--data-dir", str(tmp_path / "data")], load)
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def with_store(tmp_path: Path, work: Callable[[RoutingStore], Any]) -> Any:
    """Do something with the database that the command uses."""

    async def open_and_work() -> Any:
        store = open_store(tmp_path / "data")
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(open_and_work())


def test_a_passed_run_exits_with_zero_and_is_stored(
    run: Command, file: Callable[..., str], tmp_path: Path
) -> None:
    path = file(case("a"), case("b"))
    code, output, progress = run(path, "--label", "first", "--max-concurrent", "2")
    assert code == replay.ALL_PASSED
    assert "passed" in output
    assert "2 of 2: 2 passed" in output
    assert "2/2 passed" in progress
    (counts,) = with_store(tmp_path, lambda store: store.feedback.cases.runs(None))
    assert (counts.run.label, counts.run.owner_id, counts.run.ended_at is not None) == (
        "first",
        LOCAL.id,
        True,
    )
    listed = run("--list")[1]
    assert counts.run.id in listed
    assert "2 passed" in listed


def test_a_tilde_in_the_path_of_the_file_stands_for_the_home_folder(
    run: Command, file: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file(case("a"))
    assert run("~/cases.json")[0] == replay.ALL_PASSED


def test_a_failed_run_exits_with_one_and_shows_the_changes(
    run: Command, file: Callable[..., str]
) -> None:
    path = file(case("a"), case("b", "Good"), case("c", reference="Hallo\nthere"))
    engine = ScriptedEngine([Script(["Hello"]), Script(error=EngineFailed()), Script(["Hello"])])
    code, output, _ = run(path, "--max-concurrent", "1", engine=engine)
    assert code == replay.NOT_ALL_PASSED
    assert "3 of 3: 2 passed, 1 error" in output
    assert "error: engine_failed" in output
    for line in ("--- earlier", "+++ now", "-Hallo", "-there", "+Hello"):
        assert line in output.splitlines()
    code, output, _ = run(path, scripts=(Script(["Hello"]),))
    assert "does not hold: contains Good" in output


def test_a_run_is_compared_with_the_one_that_is_named(
    run: Command, file: Callable[..., str]
) -> None:
    path = file(case("a"))
    first = run(path, scripts=(Script(["Hello one"]),))[1].split()[-4:]
    run_id = run("--list")[1].split()[0]
    run(path, scripts=(Script(["Hello two"]),))
    output = run(path, "--against", run_id, scripts=(Script(["Hello two"]),))[1]
    assert "-Hello one" in output
    assert first
    assert "-Hello" not in run(path, scripts=(Script(["Hello two"]),))[1]
    assert run(path, "--against", "nothing")[0] == replay.COULD_NOT_RUN


def test_stored_and_shipped_cases_are_run(run: Command, tmp_path: Path) -> None:
    async def keep(store: RoutingStore) -> None:
        cases, _ = cases_of(store, make_generation(ScriptedEngine()))
        prompt = (ChatMessage(Role.USER, "Hi"),)
        await cases.add(LOCAL, CaseText("mine", prompt, (Check(CheckKind.HUMAN),)))

    assert "no cases yet" in run("--all")[2]
    with_store(tmp_path, keep)
    code, output, _ = run("--all")
    assert code == replay.NOT_ALL_PASSED
    assert "1 of 1: 1 open" in output
    assert "17 of 17" in run("--shipped", scripts=(Script(["no"]),))[1]


def test_a_preset_is_found_by_id_and_by_name(
    run: Command, file: Callable[..., str], tmp_path: Path
) -> None:
    async def add(store: RoutingStore) -> None:
        await store.add_preset(LOCAL.id, PresetText("Kind", "Be kind.", Sampling(top_k=3)))

    with_store(tmp_path, add)
    engine = ScriptedEngine()
    assert run(file(case("a")), "--preset", "kind", engine=engine)[0] == replay.ALL_PASSED
    assert engine.prompts[0][0] == ChatMessage(Role.SYSTEM, "Be kind.")
    assert run(file(case("a")), "--preset", "maths.zh")[0] == replay.ALL_PASSED
    code, _, error = run(file(case("a")), "--preset", "nobody's")
    assert (code, "no preset nobody's" in error) == (replay.COULD_NOT_RUN, True)
    listed = [line.split(maxsplit=1) for line in error.splitlines()[1:]]
    assert listed[0][1] == "Kind"
    assert ["maths.zh", load_shipped()["maths.zh"].name] in listed
    assert ["maths.en", load_shipped()["maths.en"].name] in listed


def test_runs_are_distinguished_by_model_and_preset(
    run: Command, file: Callable[..., str], tmp_path: Path
) -> None:
    async def add(store: RoutingStore) -> None:
        first = await store.add_preset(LOCAL.id, PresetText("Kind", "Be kind."))
        await store.revise_preset(LOCAL.id, first.ref.id, PresetText("Kind", "Be very kind."))

    with_store(tmp_path, add)
    path = file(case("a"))
    assert run(path)[1].splitlines()[-1].endswith("(none, scripted) · no preset")
    output = run(path, "--preset", "kind")[1]
    assert output.splitlines()[-1].endswith("(none, scripted) · Kind v2")
    with_preset, without = (line.split("\t") for line in run("--list")[1].splitlines())
    assert (with_preset[2:4], without[2:4]) == (
        ["Scripted-1B-Instruct (none)", "Kind v2"],
        ["Scripted-1B-Instruct (none)", "no preset"],
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Which cases?"),
        (("nowhere.json",), "cannot be read"),
        (("--shipped", "--quantization", "int3"), "--quantization"),
    ],
)
def test_an_impossible_run_exits_with_two_and_one_sentence(
    run: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    code, output, error = run(*arguments)
    assert (code, output, error.count("\n")) == (replay.COULD_NOT_RUN, "", 1)
    assert sentence in error


@pytest.mark.parametrize(
    ("cases", "why"),
    [
        ((case(""),), "cases[0].name"),
        ((case("a", odd=1),), "odd"),
        ((case("a"), case("a")), "same id"),
        ((), "no cases"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(
    run: Command, file: Callable[..., str], cases: tuple[dict[str, Any], ...], why: str
) -> None:
    code, _, error = run(file(*cases))
    assert code == replay.COULD_NOT_RUN
    assert why in error
    assert "qwen-chat-cases" in run(file(case("a"), format="other"))[2]


def test_an_unavailable_model_exits_with_two(
    tmp_path: Path, file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    async def load(settings: Settings) -> Engine:
        raise ModelUnavailable("There is no model x.")

    code = replay.main([file(case("a")), "--data-dir", str(tmp_path / "data")], load)
    assert (code, capsys.readouterr().err) == (
        replay.COULD_NOT_RUN,
        "qwen-chat: There is no model x.\n",
    )


def test_a_data_folder_in_use_is_not_touched_without_the_option(
    run: Command, file: Callable[..., str], tmp_path: Path
) -> None:
    path = file(case("a"))

    async def beside(store: RoutingStore) -> None:
        code, _, error = await asyncio.to_thread(run, path)
        assert code == replay.COULD_NOT_RUN
        assert "Another Qwen Chat" in error
        assert "--beside" in error
        assert (await asyncio.to_thread(run, path, "--beside"))[0] == replay.ALL_PASSED
        assert len(await store.feedback.cases.runs(None)) == 1

    with_store(tmp_path, beside)


def test_terminal_control_characters_of_a_model_are_not_printed() -> None:
    assert printable("\x1b[2Jred\x07\u202e") == "\ufffd[2Jred\ufffd\ufffd"
    assert printable("a\n\tb", lines=True) == "a\n\tb"


@pytest.mark.slow
@pytest.mark.model
def test_the_starter_model_is_judged_and_ctrl_c_keeps_the_results(
    starter_model: Path, file: Callable[..., str], tmp_path: Path
) -> None:
    quick = case("quick", "", checks=[{"kind": "regex", "expected": r"\S"}])
    quick["sampling"] = {"max_new_tokens": 4}
    slow = case("slow", "", checks=[{"kind": "human"}])
    slow["prompt"] = [{"role": "user", "content": "Count from 1 to 1000, with commas."}]
    slow["sampling"] = {"max_new_tokens": 4000}
    flags = ("--model", str(starter_model), "--data-dir", str(tmp_path / "data"))
    command = [sys.executable, "app.py", "replay", file(quick, slow), *flags]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("1/2 passed quick"):
                process.send_signal(signal.SIGINT)
                break
        output, _ = process.communicate(timeout=120)
    assert process.returncode == replay.STOPPED
    assert "1 of 2: 1 passed" in output
    (counts,) = with_store(tmp_path, lambda store: store.feedback.cases.runs(None))
    assert sum(counts.counts.values()) == 1
    assert counts.run.ended_at
