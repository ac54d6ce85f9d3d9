"""The web app: our routes behind the edge. What else is mounted on it stands behind it too."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from starlette.routing import Mount

from api.account_routes import Reception, account_routes
from api.docs import docs_routes
from api.edge import edge_middleware
from api.errors import add_error_handlers, cover_faults
from api.exports import Archives, export_routes
from api.hosting import Hosting, hosting_routes
from api.install import install_routes
from api.key_routes import key_routes
from api.metrics import Metrics, metrics_routes
from api.openai import openai_routes
from api.ops import ops_routes
from api.options import EdgeOptions
from api.people_pages import people_pages
from api.people_routes import guest_link_routes, people_routes
from api.preset_files import Presets, preset_routes
from api.provider import provider_routes
from chat.completions import Completions
from chat.doors import Doors, OpenDoors
from chat.federation import Provider
from chat.ports import Engine
from chat.rating import Ratings
from chat.readiness import Readiness


@dataclass(frozen=True, slots=True)
class People:
    """What lets people in: who decides it, and the routes of accounts.

    `allow_new`: whom `provider` vouches for becomes a member, if not one already.
    """

    doors: Doors
    desk: Reception
    provider: Provider | None = None
    allow_new: bool = False


def build_api(  # noqa: PLR0913 - the parts of the app, each by its name
    *,
    engine: Engine,
    edge: EdgeOptions,
    archives: Archives | None = None,
    presets: Presets | None = None,
    people: People | None = None,
    handlers: Mapping[int, str] | None = None,
    metrics: Metrics | None = None,
    completions: Completions | None = None,
    ratings: Ratings | None = None,
    hosting: Hosting | None = None,
) -> FastAPI:
    """The app with the edge around it and its routes on it.

    There are routes for what is given. Without people everybody is the local user. `handlers` are
    the page's events by number, as `api.permissions` names them.
    Mount the page after all routes have been added, then call `cover_mounted`.
    """
    metrics, doors = metrics or Metrics(), people.doors if people else OpenDoors()
    app = FastAPI(
        title="Qwen Chat",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=edge_middleware(edge, doors, handlers or {}, metrics),
    )
    add_error_handlers(app)
    app.include_router(ops_routes(engine, Readiness(engine)))
    app.include_router(install_routes())
    app.include_router(metrics_routes(metrics))
    if archives:
        app.include_router(export_routes(archives))
    if presets:
        app.include_router(preset_routes(presets))
    if people and presets:
        _add_people(app, people, presets, hosting)
    _add_programs(app, completions, ratings)
    return app


def _add_people(app: FastAPI, people: People, presets: Presets, hosting: Hosting | None) -> None:
    desk = people.desk
    app.include_router(account_routes(desk))
    app.include_router(people_routes(desk.accounts, desk.root_path))
    app.include_router(guest_link_routes(desk.accounts, desk.root_path))
    app.include_router(key_routes(desk.accounts, desk.root_path))
    app.include_router(people_pages(desk, people.doors, presets, provider=bool(people.provider)))
    if hosting:
        app.include_router(hosting_routes(hosting, desk, presets))
    if people.provider:
        app.include_router(provider_routes(desk, people.provider, allow_new=people.allow_new))


def _add_programs(app: FastAPI, completions: Completions | None, ratings: Ratings | None) -> None:
    """Their document is there without any, too, and says so."""
    programs = openai_routes(completions, ratings) if completions else APIRouter()
    app.include_router(programs)
    app.include_router(docs_routes(programs.routes))


def cover_mounted(app: FastAPI) -> None:
    """Let apps that were mounted on `app` answer invalid input and faults as we do."""
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            cover_faults(route.app)
