"""GET /v1/models, GET /v1/models/{id} and POST /v1/tokenize."""

from fastapi import APIRouter

from api.openai.context import ANY_MODEL, ApiContext
from api.openai.request_models import TokenizeRequest
from api.openai.response_models import ERRORS, ModelList, ModelOut, Tokenized
from api.openai.route import StrictRoute
from api.openai.to_domain import prompt_of, tools_of
from chat.serving.models import EngineInfo

OWNER = "qwen-chat"


def model_routes(context: ApiContext) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["models"], responses=ERRORS)

    @router.get("/v1/models", summary="List the model that is served")
    async def list_models() -> ModelList:
        return ModelList(data=[_model_out(context.completions.info, context)])

    # `:path`, because names may contain a slash, as in "qwen/Qwen2.5-7B-Instruct".
    @router.get("/v1/models/{model:path}", summary="Describe the model")
    async def describe_model(model: str) -> ModelOut:
        return _model_out(context.model(model), context)

    @router.post("/v1/tokenize", summary="Count the tokens of a prompt")
    async def tokenize(body: TokenizeRequest) -> Tokenized:
        info = context.model(body.model or ANY_MODEL)
        prompt = body.prompt if body.messages is None else prompt_of(body.messages)
        tokens = await context.completions.tokenize(prompt or "", tools_of(body.tools))
        return Tokenized(count=len(tokens), max_model_len=info.context_length, tokens=list(tokens))

    return router


def _model_out(info: EngineInfo, context: ApiContext) -> ModelOut:
    return ModelOut(
        id=info.model,
        created=context.started_at,
        owned_by=OWNER,
        max_model_len=info.context_length,
    )
