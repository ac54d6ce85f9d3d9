"""Routes of a campaign's tables: a workbook, CSV files, the survey as JSON, and a count."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.downloads import download_headers
from api.edge.identity import user_of
from api.feedback.query import Id
from api.feedback.routes import NameList, redactor_of
from chat.accounts.models import User
from chat.feedback.table_models import Table
from chat.feedback.tables import CampaignTables
from formats.names import file_stem
from formats.tables import TablesFormat, tables_file
from formats.words import ExportLanguage


class TablesQuery(BaseModel):
    """Campaign, format, language and masking of tables."""

    campaign: Id
    format: TablesFormat = TablesFormat.XLSX
    lang: ExportLanguage = ExportLanguage.EN
    redact: bool = False


def table_routes(tables: CampaignTables) -> APIRouter:
    """/api/results/tables: the file, and what it would hold."""
    router, one_at_a_time = APIRouter(prefix="/api/results/tables"), asyncio.Lock()

    @router.get("")
    async def file(request: Request, query: Annotated[TablesQuery, Query()]) -> Response:
        return await _download(tables, user_of(request), query)

    @router.post("")
    async def file_without_names(
        request: Request, query: Annotated[TablesQuery, Query()], body: NameList
    ) -> Response:
        return await _download(tables, user_of(request), query, body.names)

    @router.post("/preview")
    async def preview(
        request: Request, query: Annotated[TablesQuery, Query()], body: NameList
    ) -> dict[str, object]:
        # CSV in any case: the same rows and masks, without files on disk.
        counted = tables_file(
            TablesFormat.TABLES, query.lang, redactor_of(query.redact, body.names)
        )
        async with one_at_a_time:  # it is as expensive as a download
            _, pieces = await tables.export(user_of(request), query.campaign, counted)
            async for _ in pieces:
                pass
        rows = {table.value: counted.rows.get(table, 0) for table in Table}
        return {**rows, "masked": counted.masked}

    return router


async def _download(
    tables: CampaignTables, user: User, query: TablesQuery, names: str = ""
) -> Response:
    file = tables_file(query.format, query.lang, redactor_of(query.redact, names))
    campaign, pieces = await tables.export(user, query.campaign, file)
    stem = file_stem(campaign.plan.title, "campaign")
    name = f"{stem} {datetime.now(UTC):%Y-%m-%d}{query.format.suffix}"
    return StreamingResponse(
        pieces, headers=download_headers(name), media_type=query.format.media_type
    )
