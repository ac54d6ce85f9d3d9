"""What the routes for programs have in common: whom they serve, and under which names the model."""

from dataclasses import dataclass

from starlette.requests import Request

from api.edge.credentials import principal_of
from chat.serving.completion import Completion
from chat.serving.completions import CompletionInput, Completions
from chat.serving.errors import ModelNotFound
from chat.serving.models import EngineInfo

ANY_MODEL = "default"
"""The name under which every server has its model."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """`started_at` is the time of the server's start, in seconds since 1970."""

    completions: Completions
    started_at: int

    async def begin(
        self, request: Request, model: str, completion_input: CompletionInput
    ) -> tuple[Completion, EngineInfo]:
        """Begin an answer for who calls. Raises ModelNotFound and what `Completions.begin` does."""
        info = self.model(model)
        address = request.client.host if request.client else ""
        completion = await self.completions.begin(
            principal_of(request), completion_input, address=address
        )
        return completion, info

    def model(self, name: str) -> EngineInfo:
        """What is served under that name: its own, in any case, with or without who made it.

        Raises ModelNotFound, EngineNotReady.
        """
        info = self.completions.info
        if name.casefold() not in (ANY_MODEL, *_names(info.model)):
            raise ModelNotFound("There is no such model here; GET /v1/models lists what is.")
        return info


def _names(model: str) -> tuple[str, str]:
    name = model.casefold()
    return name, f"qwen/{name}"
