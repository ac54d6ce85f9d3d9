"""GET /v1, which says what there is, and routes of OpenAI's API that have no answer here."""

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from api.edge.errors import refusal
from api.openai.context import ApiContext
from api.openai.response_models import ERRORS
from api.openai.route import StrictRoute

ROUTES = (
    "POST /v1/chat/completions",
    "POST /v1/completions",
    "POST /v1/responses",
    "POST /v1/tokenize",
    "POST /v1/feedback",
    "GET /v1/models",
)


class ApiIndex(BaseModel):
    """Ours: OpenAI's API has nothing at its root. `model` is the one that is served."""

    object: str
    model: str
    routes: list[str]
    documentation: str


def index_routes(context: ApiContext) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["models"], responses=ERRORS)

    @router.get("/v1", summary="List the routes")
    async def index() -> ApiIndex:
        return ApiIndex(
            object="api",
            model=context.completions.info.model,
            routes=list(ROUTES),
            documentation="/docs",
        )

    @router.post("/v1/embeddings", include_in_schema=False)
    async def embed() -> Response:
        # Not 501: OpenAI's clients send a request again after every status from 500 on.
        return refusal(
            404,
            "There is no embedding model here: this server has a chat model only. "
            "Take embeddings from another server, and set its address apart from this one's.",
            code="model_not_found",
            param="model",
        )

    return router
