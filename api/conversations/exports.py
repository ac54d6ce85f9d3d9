"""Exports and imports of conversations.

Exports are streamed one conversation at a time, so that a large history is never in memory as a
whole; an import stores what it could read, all or none of that. Formatting runs in a thread,
parsing in a thread or, if the file is large or a zip, in a process.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from api.downloads import download_headers
from api.edge.bodies import IMPORT_PATH
from api.edge.identity import user_id_of
from chat.conversations.models import Archive, Conversation, Folder
from chat.errors import NotFound
from formats.apart import FileReader
from formats.exporting import ExportFile, Format, export_file
from formats.html import write_html
from formats.import_report import ImportReport, counts_of
from formats.names import file_stem
from formats.words import ExportLanguage

MAX_CONVERSATIONS = 1_000_000
MAX_TITLES = 5


class Archives(Protocol):
    """Whole conversations of a user. Another user's conversation raises NotFound."""

    async def archive(self, user_id: str, conversation_id: str) -> Archive: ...

    async def recent(
        self,
        user_id: str,
        *,
        limit: int = 50,
        offset: int = 0,
        folder: Folder = Folder.CHATS,
    ) -> Sequence[Conversation]: ...

    async def add_archives(
        self, user_id: str, archives: Sequence[Archive]
    ) -> Sequence[Conversation]: ...


Kind = Annotated[Format, Query(alias="format")]
Language = Annotated[ExportLanguage, Query(alias="lang")]


def export_routes(archives: Archives) -> APIRouter:
    """GET /api/conversations/{id}/export and …/print, GET /api/export and POST /api/import."""
    files = FileReader()
    router = _print_routes(archives)

    @router.get("/api/conversations/{conversation_id}/export")
    async def export_conversation(
        request: Request, conversation_id: str, kind: Kind, language: Language = ExportLanguage.EN
    ) -> Response:
        archive = await archives.archive(user_id_of(request), conversation_id)
        file = export_file(kind, language, single=True)
        content = await asyncio.to_thread(file.add, archive) + file.end()
        name = file_stem(archive.conversation.title, "conversation") + file.suffix
        return Response(content, headers=download_headers(name), media_type=file.media_type)

    @router.get("/api/export")
    async def export_everything(
        request: Request, kind: Kind, language: Language = ExportLanguage.EN
    ) -> Response:
        user = user_id_of(request)
        # One query instead of pages: a conversation could move between two pages meanwhile.
        listed = await archives.recent(user, limit=MAX_CONVERSATIONS, folder=Folder.KEPT)
        ids = [conversation.id for conversation in listed]
        file = export_file(kind, language)
        return StreamingResponse(
            _pieces(archives, user, ids, file),
            headers=download_headers(f"qwen-chat-{datetime.now(UTC):%Y-%m-%d}{file.suffix}"),
            media_type=file.media_type,
        )

    @router.post(IMPORT_PATH)
    async def import_file(request: Request) -> dict[str, object]:
        user, data = user_id_of(request), await request.body()
        read = await files.archives(data, owner_id=user, now=datetime.now(UTC))
        added = await archives.add_archives(user, read.archives)
        return _import_result(added, read.report)

    return router


def _print_routes(archives: Archives) -> APIRouter:
    router = APIRouter()

    @router.get("/api/conversations/{conversation_id}/print")
    async def print_conversation(
        request: Request, conversation_id: str, language: Language = ExportLanguage.EN
    ) -> Response:
        archive = await archives.archive(user_id_of(request), conversation_id)
        page = await asyncio.to_thread(write_html, archive, language)
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    return router


def _import_result(added: Sequence[Conversation], report: ImportReport) -> dict[str, object]:
    """What came of an import, as JSON."""
    return {
        "imported": len(added),
        "titles": [conversation.title for conversation in added[:MAX_TITLES]],
        "first_id": added[0].id,
        "left_out": counts_of(report),
        "not_read": [str(error) for error in report.not_read],
        "not_read_count": report.not_read_count,
    }


async def _pieces(
    archives: Archives, user_id: str, ids: Sequence[str], file: ExportFile
) -> AsyncIterator[bytes]:
    for conversation_id in ids:
        try:
            archive = await archives.archive(user_id, conversation_id)
        except NotFound:  # deleted since the list was read
            continue
        yield await asyncio.to_thread(file.add, archive)
    yield await asyncio.to_thread(file.end)
