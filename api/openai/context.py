"""Shared by the routes for programs: the completions service and the model's names."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from api.edge.credentials import principal_of
from chat.serving.choices import Choices
from chat.serving.completions import CompletionInput, Completions
from chat.serving.errors import ModelNotFound
from chat.serving.models import EngineInfo

ANY_MODEL = "default"
"""A model name that every server accepts."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """`started_at` is the server's start as a Unix timestamp."""

    completions: Completions
    started_at: int

    async def begin(
        self, request: Request, model: str, inputs: Sequence[CompletionInput]
    ) -> tuple[Choices, EngineInfo]:
        """Begin the answers of a request. Raises ModelNotFound, and as `begin_choices` does."""
        info = self.model(model)
        address = request.client.host if request.client else ""
        choices = await self.completions.begin_choices(
            principal_of(request), inputs, address=address
        )
        return choices, info

    def model(self, name: str) -> EngineInfo:
        """The model of that name: compared without case, with or without the prefix "qwen/".

        Raises ModelNotFound, EngineNotReady.
        """
        info = self.completions.info
        if name.casefold() not in (ANY_MODEL, *_names(info.model)):
            raise ModelNotFound("There is no such model here; GET /v1/models lists what is.")
        return info


def _names(model: str) -> tuple[str, str]:
    name = model.casefold()
    return name, f"qwen/{name}"
