"""Which engine is meant, by its name."""

import pytest

from chat.serving.engines import Engines, name_of, serving
from chat.serving.errors import EngineNotReady, EngineNotServing
from chat.serving.models import Phase
from tests.fakes import ScriptedEngine

FIRST = "Scripted-1B-Instruct (bfloat16)"
PACKED = "Scripted-1B-Instruct (nf4)"


def test_a_name_identifies_the_model_and_its_quantization() -> None:
    infos = [ScriptedEngine().info, ScriptedEngine(quantization="nf4").info]
    assert [name_of(info) for info in infos if info] == [FIRST, PACKED]


def test_the_empty_name_is_the_first_engine_and_others_are_found_by_name() -> None:
    first, second = ScriptedEngine(), ScriptedEngine(quantization="nf4")
    engines = Engines(first, second)
    assert engines.names == [FIRST, PACKED]
    assert [engines.named(name) for name in ("", FIRST, PACKED)] == [first, first, second]


def test_two_equal_engines_share_the_name_of_the_first() -> None:
    first = ScriptedEngine()
    engines = Engines(first, ScriptedEngine())
    assert engines.names == [FIRST]
    assert engines.named(FIRST) is first


def test_an_unknown_engine_name_is_refused() -> None:
    with pytest.raises(EngineNotServing) as caught:
        Engines(ScriptedEngine()).named(PACKED)
    assert caught.value.values == {"engine": PACKED}


def test_an_earlier_answer_gets_the_engine_of_its_model_or_the_first() -> None:
    first, second = ScriptedEngine(), ScriptedEngine(model="Other-3B")
    engines = Engines(first, second)
    assert engines.of_model("Other-3B") is second
    assert engines.of_model("gone") is first


async def test_stopping_stops_all_engines() -> None:
    both = [ScriptedEngine(), ScriptedEngine()]
    await Engines(*both).stop()
    assert [engine.state.phase for engine in both] == [Phase.DEAD, Phase.DEAD]


def test_an_engine_that_is_not_ready_serves_nothing() -> None:
    with pytest.raises(EngineNotReady):
        serving(ScriptedEngine(ready=False))
