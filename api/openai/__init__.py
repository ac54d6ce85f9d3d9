"""The routes that programs know from the OpenAI API."""

import time

from fastapi import APIRouter

from api.openai.chat import chat_routes
from api.openai.completions import completion_routes
from api.openai.desk import Desk
from api.openai.models import model_routes
from chat.completions import Completions


def openai_routes(completions: Completions) -> APIRouter:
    """/v1/…"""
    desk = Desk(completions, started_at=int(time.time()))
    router = APIRouter()
    for routes in (chat_routes(desk), completion_routes(desk), model_routes(desk)):
        router.include_router(routes)
    return router
