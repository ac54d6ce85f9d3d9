"""File routes of rated answers, and JSON routes of their review.

Exports are streamed in chunks, so that memory use does not grow with the number of answers.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from api.downloads import begun, download_headers
from api.edge.identity import user_of
from api.feedback.query import FilterQuery, Id
from chat.accounts.models import User
from chat.feedback.errors import NothingToExport
from chat.feedback.reports import Reports
from chat.feedback.result_models import ReviewChange, ReviewStatus
from chat.feedback.results import Results
from formats.datasets import DataFormat, PieceFile, data_file
from formats.names import file_stem
from formats.redaction.redactor import Redactor, names_of
from formats.reports.report import write_report
from formats.words import ExportLanguage


class ExportQuery(FilterQuery):
    """Filter, format and masking of an export."""

    format: DataFormat
    redact: bool = False

    def file(self, names: str = "") -> PieceFile:
        """A new file in that format. Raises TooManyNames, NameTooLong."""
        return data_file(self.format, self.value(), redactor_of(self.redact, names))


class PreviewQuery(ExportQuery):
    """`first`: only whether the file would be empty; counts are complete if it would."""

    first: bool = False


class ReportQuery(BaseModel):
    """Campaign, language and masking of a report."""

    campaign: Id
    lang: ExportLanguage = ExportLanguage.EN
    redact: bool = False


class NameList(BaseModel):
    """Names to be masked, one per line; in a body, because URLs are logged."""

    names: str = ""


class ReviewForm(BaseModel):
    """A change of a review. Missing fields stay unchanged; a null assignee clears it."""

    standing: ReviewStatus | None = None
    assignee: Annotated[str | None, Field(max_length=100)] = None
    note: str | None = None

    def value(self) -> ReviewChange:
        sent = self.model_fields_set
        return ReviewChange(
            self.standing,
            self.assignee or "" if "assignee" in sent else None,
            self.note or "" if "note" in sent else None,
        )


def results_routes(results: Results, reports: Reports) -> APIRouter:
    """/api/results/…: exports and their previews, reports of campaigns, and reviews."""
    router = APIRouter(prefix="/api/results")
    router.include_router(_files(results))
    router.include_router(_reports(reports))

    @router.post("/{evidence_id}/review")
    async def review(request: Request, evidence_id: str, body: ReviewForm) -> JSONResponse:
        await results.review(user_of(request), evidence_id, body.value())
        return JSONResponse({})

    return router


def _files(results: Results) -> APIRouter:
    router, one_at_a_time = APIRouter(), asyncio.Lock()

    @router.get("/export")
    async def export(request: Request, query: Annotated[ExportQuery, Query()]) -> Response:
        return await _download(results, user_of(request), query, query.file())

    @router.post("/export")
    async def export_without_names(
        request: Request, query: Annotated[ExportQuery, Query()], body: NameList
    ) -> Response:
        return await _download(results, user_of(request), query, query.file(body.names))

    @router.post("/preview")
    async def preview(
        request: Request, query: Annotated[PreviewQuery, Query()], body: NameList
    ) -> dict[str, object]:
        file, is_empty = query.file(body.names), False
        async with one_at_a_time:  # a preview is as expensive as a download
            try:
                async for piece in results.export(user_of(request), query.value(), file):
                    if piece and query.first:
                        break
            except NothingToExport:
                is_empty = True
        return {
            "lines": file.lines,
            "left_out": file.left_out,
            "omissions": dict(file.omissions),
            "empty": is_empty,
            "masked": file.masked,
        }

    return router


def _reports(reports: Reports) -> APIRouter:
    router = APIRouter()

    async def file(request: Request, query: ReportQuery, names: str = "") -> Response:
        report = await reports.report(user_of(request), query.campaign)
        redactor = redactor_of(query.redact, names)
        html = await asyncio.to_thread(write_report, report, query.lang, redactor)
        name = f"{file_stem(report.campaign.plan.title, 'report')}.html"
        return Response(html, headers=download_headers(name), media_type="text/html")

    @router.get("/report")
    async def report(request: Request, query: Annotated[ReportQuery, Query()]) -> Response:
        return await file(request, query)

    @router.post("/report")
    async def report_without_names(
        request: Request, query: Annotated[ReportQuery, Query()], body: NameList
    ) -> Response:
        return await file(request, query, body.names)

    @router.post("/report/preview")
    async def preview(
        request: Request, query: Annotated[ReportQuery, Query()], body: NameList
    ) -> dict[str, object]:
        report = await reports.report(user_of(request), query.campaign)
        redactor = redactor_of(query.redact, body.names)
        await asyncio.to_thread(write_report, report, query.lang, redactor)
        return {"masked": dict(redactor.masked) if redactor else {}}

    return router


def redactor_of(redact: bool, names: str) -> Redactor | None:
    """The redactor; None without masking. A list of names implies masking."""
    listed = names_of(names)
    return Redactor(listed) if redact or listed else None


async def _download(results: Results, user: User, query: ExportQuery, file: PieceFile) -> Response:
    """Raises NothingToExport: a file for training without lines is refused."""
    name = f"ratings-{datetime.now(UTC):%Y-%m-%d}{query.format.suffix}"
    return StreamingResponse(
        await begun(results.export(user, query.value(), file)),
        headers=download_headers(name),
        media_type=query.format.media_type,
    )
