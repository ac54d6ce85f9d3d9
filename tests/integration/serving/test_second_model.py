"""A second model beside the first, from settings to answers, with tiny weights."""

import asyncio
from pathlib import Path

import pytest

from chat.models import ChatMessage, Role, Sampling
from chat.serving.engines import Engines
from chat.serving.models import Phase
from config import Settings, read_settings
from loading import LoadProgress, build_engines, load, load_engine
from tests.fakes import generate
from tests.tiny import save_tiny_model

PROMPT = (ChatMessage(Role.USER, "Hello"),)
SHORT = Sampling(temperature=0.0, max_new_tokens=8)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    first, second = (str(save_tiny_model(tmp_path / name)) for name in ("one", "two"))
    flags = f"--model {first} --second-model {second} --second-quantization nf4 --device cpu"
    flags += " --context-length 600 --kv-cache-gib 0.01"
    return read_settings(flags.split(), {}, tmp_path / "no.env")


async def written(engines: Engines, name: str) -> str:
    deltas = generate(engines.named(name), PROMPT, SHORT)
    return "".join([delta.text async for delta in deltas])


async def test_both_models_answer_together_as_they_do_one_by_one(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    load_progress = LoadProgress()
    engines = build_engines(settings, load_progress)
    await load(engines.first, load_progress)
    try:
        assert engines.names == ["one (bfloat16)", "two (nf4)"]
        one_by_one = [await written(engines, name) for name in engines.names]
        together = await asyncio.gather(*(written(engines, name) for name in engines.names))
        assert together == one_by_one
    finally:
        await engines.stop()
    printed = capsys.readouterr().err.splitlines()
    assert [line.partition(" on ")[0] for line in printed if line.startswith("Ready")] == [
        "Ready beside it: two (nf4)",
        "Ready: one (bfloat16)",
    ]


async def test_the_app_serves_the_first_model_if_the_second_fails(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "two" / "config.json").write_text("{}")
    engines = build_engines(settings, LoadProgress())
    await load(engines.first, LoadProgress())
    try:
        assert engines.names == ["one (bfloat16)"]
        assert await written(engines, "")
        assert engines.second
        assert engines.second.state.phase is Phase.DEAD
    finally:
        await engines.stop()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "second model" in line]
    assert "config.json" in line


async def test_a_command_loads_no_second_model(settings: Settings) -> None:
    engine = await load_engine(settings)
    try:
        assert engine.info
        assert engine.info.model == "one"
    finally:
        await engine.stop()
