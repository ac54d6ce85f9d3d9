"""JSON and file routes of regression cases. The services check ownership."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.conversations.presets import PresetReader
from api.downloads import download_headers
from api.edge.identity import user_of
from chat.accounts.models import User
from chat.evaluation.cases import Cases
from chat.evaluation.models import Case, CaseText, Check, CheckKind
from chat.evaluation.runs import Runs
from chat.evaluation.validation import MOST_CHECKS, MOST_TURNS
from chat.models import ChatMessage, Role
from formats.apart import FileReader
from formats.cases import read_calls, write_cases
from formats.sampling import read_sampling

Id = Annotated[str, Field(max_length=200)]


class TurnForm(BaseModel):
    """A turn of the prompt. Empty turns are ignored: the form has an empty one at the end.

    The service checks the lengths, because its errors name the field.
    """

    role: Role
    content: str | None = None
    calls: str = "[]"
    partial: bool = False

    def value(self) -> ChatMessage:
        """Raises BadImport if the hidden calls were tampered with."""
        return ChatMessage(self.role, self.content or "", read_calls(self.calls), self.partial)


class CheckForm(BaseModel):
    """A check; ignored without a kind."""

    kind: CheckKind | None = None
    expected: str | None = None


class CaseForm(BaseModel):
    """A case as typed. `sampling` is the JSON of all settings; three also have fields."""

    name: str
    prompt: list[TurnForm] = Field(max_length=MOST_TURNS + 2)
    checks: list[CheckForm] = Field(max_length=MOST_CHECKS + 10)
    reference: str | None = None
    evidence_id: Id | None = None
    sampling: str = "{}"
    temperature: float | None = None
    max_new_tokens: int | None = None
    seed: int | None = None

    def value(self) -> CaseText:
        """Raises BadImport if a hidden field of the form was tampered with."""
        seen = {name: getattr(self, name) for name in ("temperature", "max_new_tokens", "seed")}
        turns = (turn for turn in self.prompt if turn.content or turn.calls != "[]")
        return CaseText(
            name=self.name,
            prompt=tuple(turn.value() for turn in turns),
            checks=tuple(
                Check(check.kind, check.expected or "") for check in self.checks if check.kind
            ),
            sampling=read_sampling(self.sampling, seen),
            reference=self.reference or "",
            snapshot_id=self.evidence_id or "",
        )


class RunForm(BaseModel):
    """Which cases to run: the user's own ("kept"), the shipped ones of a language, or one."""

    which: Literal["kept", "shipped-en", "shipped-zh"] | None = None
    case_id: Id | None = None
    preset_id: Id | None = None
    against: Id | None = None
    label: Annotated[str, Field(max_length=1000)] | None = None
    engine: Id | None = None


class Judged(BaseModel):
    case_id: Id
    good: Literal["yes", "no"]


def case_routes(
    case_service: Cases, run_service: Runs, presets: PresetReader, root_path: str = ""
) -> APIRouter:
    """/api/cases/… for members: their own cases and runs; for administrators all."""
    router, at = APIRouter(), "/api/cases"
    router.include_router(_file_routes(case_service, root_path), prefix=at)
    router.include_router(
        _run_routes(case_service, run_service, presets, root_path), prefix=f"{at}/runs"
    )
    router.include_router(_result_routes(case_service, run_service, root_path), prefix=f"{at}/runs")
    router.include_router(_case_routes(case_service, root_path), prefix=at)
    return router


def _case_routes(case_service: Cases, root_path: str) -> APIRouter:
    router = APIRouter()

    @router.post("")
    async def add(request: Request, body: CaseForm) -> dict[str, str]:
        await case_service.add(user_of(request), body.value())
        return {"next": f"{root_path}/cases"}

    @router.post("/from-evidence/{evidence_id}")
    async def add_from_evidence(request: Request, evidence_id: str) -> dict[str, str]:
        user = user_of(request)
        (case,) = await case_service.add(user, await case_service.draft(user, evidence_id))
        return {"id": case.id, "next": f"{root_path}/cases/{case.id}"}

    @router.post("/{case_id}")
    async def change(request: Request, case_id: str, body: CaseForm) -> dict[str, str]:
        await case_service.change(user_of(request), case_id, body.value())
        return {"next": f"{root_path}/cases"}

    @router.post("/{case_id}/delete")
    async def delete(request: Request, case_id: str) -> dict[str, str]:
        await case_service.delete(user_of(request), case_id)
        return {"next": f"{root_path}/cases"}

    return router


def _file_routes(case_service: Cases, root_path: str) -> APIRouter:
    router, files = APIRouter(), FileReader()

    @router.get("/export")
    async def export(request: Request) -> Response:
        content = write_cases(await case_service.list(user_of(request)))
        headers = download_headers(f"cases-{datetime.now(UTC):%Y-%m-%d}.json")
        return Response(content, headers=headers, media_type="application/json")

    @router.post("/import")
    async def import_file(request: Request) -> dict[str, object]:
        user = user_of(request)
        texts = await files.cases(await request.body())
        added = await case_service.add(user, *texts)
        return {"imported": len(added), "next": f"{root_path}/cases"}

    return router


def _run_routes(
    case_service: Cases, run_service: Runs, presets: PresetReader, root_path: str
) -> APIRouter:
    router = APIRouter()

    @router.post("")
    async def start(request: Request, body: RunForm) -> dict[str, str]:
        user = user_of(request)
        preset = await presets.get(user.id, body.preset_id) if body.preset_id else None
        run = await run_service.start(
            user,
            await _chosen(case_service, user, body),
            preset=preset,
            label=body.label or "",
            against=body.against,
            engine=body.engine or "",
        )
        return {"next": f"{root_path}/cases/runs/{run.id}"}

    @router.get("/{run_id}/progress")
    async def progress(request: Request, run_id: str) -> dict[str, int | bool]:
        await case_service.run(user_of(request), run_id)
        going = run_service.progress(run_id)
        return {"running": going is not None, "done": going.done if going else 0}

    @router.post("/{run_id}/cancel")
    async def cancel(request: Request, run_id: str) -> JSONResponse:
        await run_service.cancel(user_of(request), run_id)
        return JSONResponse({})

    return router


def _result_routes(case_service: Cases, run_service: Runs, root_path: str) -> APIRouter:
    router = APIRouter()

    @router.post("/{run_id}/judge")
    async def judge(request: Request, run_id: str, body: Judged) -> dict[str, str]:
        good = body.good == "yes"
        result = await case_service.judge(user_of(request), run_id, body.case_id, good=good)
        return {"verdict": result.verdict}

    @router.post("/{run_id}/delete")
    async def delete(request: Request, run_id: str) -> dict[str, str]:
        user = user_of(request)
        await run_service.cancel(user, run_id)
        await case_service.delete_run(user, run_id)
        return {"next": f"{root_path}/cases"}

    return router


async def _chosen(case_service: Cases, user: User, form: RunForm) -> Sequence[Case]:
    """The cases of the form. Raises NotFound."""
    if form.case_id:
        return [await case_service.get(user, form.case_id)]
    if form.which == "kept":
        return await case_service.list(user)
    language = (form.which or "").removeprefix("shipped-")
    return [case for case in case_service.shipped.values() if case.id.endswith(f".{language}")]
