"""The engines that serve: the first one everywhere, a second one where it is named.

Owns the names. Loads nothing.
"""

from collections.abc import Sequence

from chat.serving.errors import EngineNotReady, EngineNotServing
from chat.serving.models import EngineInfo, Phase
from chat.serving.ports import Engine


class Engines:
    """One engine, or two. An empty name is always the first."""

    def __init__(self, first: Engine, second: Engine | None = None) -> None:
        self.first = first
        self.second = second
        self._all = (first, second) if second else (first,)

    @property
    def names(self) -> Sequence[str]:
        """The names of the engines that are known, the first engine's first, without duplicates."""
        return list(dict.fromkeys(name_of(engine.info) for engine in self._all if engine.info))

    def named(self, name: str) -> Engine:
        """The engine of that name. Raises EngineNotServing."""
        if not name:
            return self.first
        for engine in self._all:
            if engine.info and name_of(engine.info) == name:
                return engine
        raise EngineNotServing(engine=name)

    def of_model(self, model: str) -> Engine:
        """An engine that serves that model, else the first engine."""
        matching = (engine for engine in self._all if engine.info and engine.info.model == model)
        return next(matching, self.first)

    async def stop(self) -> None:
        """Stop all of them."""
        for engine in self._all:
            await engine.stop()


def name_of(info: EngineInfo) -> str:
    """The name that users see: the model and the format of its weights."""
    weights = info.dtype if info.quantization == "none" else info.quantization
    return f"{info.model} ({weights})"


def serving(engine: Engine) -> EngineInfo:
    """What a ready engine serves. Raises EngineNotReady."""
    info = engine.info
    if info is None or engine.state.phase is not Phase.READY:
        raise EngineNotReady
    return info
