"""Export and import of one preset as a file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.downloads import download_headers
from api.edge.identity import user_id_of
from chat.conversations.models import Preset, PresetText
from chat.models import PresetRef
from formats.names import file_stem
from formats.preset import read_preset, write_preset


class PresetReader(Protocol):
    """The presets that a user may use. Another user's unshared preset raises NotFound."""

    async def list(self, user_id: str, language: str) -> Sequence[Preset]: ...

    async def get(self, user_id: str, preset_id: str, version: int | None = None) -> Preset: ...

    async def names(self, user_id: str, refs: Iterable[PresetRef]) -> Mapping[PresetRef, str]: ...

    async def add(self, user_id: str, text: PresetText) -> Preset: ...


def preset_routes(presets: PresetReader) -> APIRouter:
    """GET /api/presets/{id}/export and POST /api/presets/import."""
    router = APIRouter(prefix="/api/presets")

    @router.get("/{preset_id}/export")
    async def export_preset(
        request: Request, preset_id: str, version: int | None = None
    ) -> Response:
        preset = await presets.get(user_id_of(request), preset_id, version)
        name = file_stem(preset.text.name, "preset") + ".preset.json"
        headers = download_headers(name)
        return Response(write_preset(preset.text), headers=headers, media_type="application/json")

    @router.post("/import")
    async def import_preset(request: Request) -> dict[str, str | int]:
        text = read_preset(await request.body())
        preset = await presets.add(user_id_of(request), text)
        return {"id": preset.ref.id, "version": preset.ref.version, "name": preset.text.name}

    return router
