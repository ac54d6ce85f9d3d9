"""Binds the page's events to their user: session isolation, and permission per event.

Gradio keys a tab's server-side state and its event stream by a `session_hash` that the browser
chooses, and does not check who sends it. Here the hash is replaced by a digest of user id and hash:
whoever sends another user's hash gets an empty session of their own. This needs no stored state;
`api.edge.page_events` counts tabs.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge.bodies import in_one_piece, too_large
from api.edge.errors import app_error_response, error_response
from api.edge.identity import SIGNED_IN
from api.edge.middleware import HttpMiddleware
from api.edge.page_events import PageEvents
from api.edge.permissions import HANDLERS, allows
from chat.accounts.errors import TooManyRequests
from chat.accounts.models import User
from chat.errors import BadRequest

JOIN = "/gradio_api/queue/join"
DATA = "/gradio_api/queue/data"
RUN = "/gradio_api/run/"
HEARTBEAT = "/gradio_api/heartbeat/"
PAGES = ("/", "/config", "/config/", "/dashboard", "/dashboard/")
HASH = "session_hash"
EVENT_BYTES = 2**20
UPLOADS = frozenset({"Composer.attach", "Composer.measure", "Composer.send"})
"""Events with the texts of files or a message, as large as `api.edge.bodies` lets in: a message
that is too long is refused in the page, with its length."""


class GradioSessions(HttpMiddleware):
    """Pass an event on if its user has the permission, with the user's own session hash.

    `handlers` maps Gradio's event numbers (`fn_index`) to names in `permissions.HANDLERS`. `events`
    bounds what events contain, and how many there are.
    """

    def __init__(self, app: ASGIApp, handlers: Mapping[int, str], events: PageEvents) -> None:
        super().__init__(app)
        self.handlers = handlers
        self.events = events

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in PAGES:
            # The browser's own script reads the query; Gradio fails on names of pages in it.
            await self.app({**scope, "query_string": b""}, receive, send)
            return
        if not (path in (JOIN, DATA) or path.startswith((RUN, HEARTBEAT))):
            await self.app(scope, receive, send)
            return
        try:
            with self.events.admitted(*_owners(scope)):
                await self._admitted(scope, receive, send)
        except TooManyRequests as error:
            await app_error_response(error)(scope, receive, send)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == DATA:
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            own = [
                (name, _own_hash(scope, value) if name == HASH else value) for name, value in pairs
            ]
            query = urlencode(own).encode("ascii")
            await self.app({**scope, "query_string": query}, receive, send)
        elif path.startswith(HEARTBEAT):
            own_path = HEARTBEAT + _own_hash(scope, path.removeprefix(HEARTBEAT))
            raw = quote(own_path).encode("ascii")
            await self.app({**scope, "path": own_path, "raw_path": raw}, receive, send)
        else:
            await self._event(scope, receive, send)

    async def _event(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = (await receive()).get("body", b"")  # in one piece: `api.edge.bodies` has read it
        try:
            # Parsed once and sent on re-encoded, so that Gradio cannot parse it differently.
            body = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            await error_response(422, "The body is no event of the page.")(scope, receive, send)
            return
        name = self._name(body.get("fn_index"))
        if name not in HANDLERS or not allows(_user(scope), HANDLERS[name]):
            await error_response(404, "Not Found")(scope, receive, send)
            return
        if len(content) > EVENT_BYTES and name not in UPLOADS:
            await too_large(EVENT_BYTES)(scope, receive, send)
            return
        try:
            event = self._read(body, scope, len(content))
        except (BadRequest, TooManyRequests) as error:
            await app_error_response(error)(scope, receive, send)
        else:
            await self._forward(event, scope, receive, send)

    def _read(self, body: Mapping[str, Any], scope: Scope, size: int) -> Mapping[str, Any]:
        """The event, in the user's own session. Raises BadRequest, TooManyRequests."""
        owners = _owners(scope)
        self.events.count(*owners)
        event = self.events.parse(body["fn_index"], body)
        if isinstance(event.get(HASH), str):
            event[HASH] = _own_hash(scope, event[HASH])
            self.events.use(event[HASH], *owners, size)
        return event

    def _name(self, fn_index: object) -> str:
        # An int only: pydantic would also accept "3" or 3.0, and bool is a subclass of int.
        return self.handlers.get(fn_index, "") if type(fn_index) is int else ""

    async def _forward(
        self, body: Mapping[str, Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        content = json.dumps(body).encode("ascii")
        changed = {**scope, "headers": list(scope["headers"])}
        MutableHeaders(scope=changed)["Content-Length"] = str(len(content))
        await self.app(changed, in_one_piece(content, receive), send)


def _user(scope: Scope) -> User:
    user = scope["state"][SIGNED_IN].user
    assert isinstance(user, User)
    return user


def _owners(scope: Scope) -> tuple[str, str]:
    """The user's id and the address of an event."""
    return _user(scope).id, (scope.get("client") or ("",))[0]


def _own_hash(scope: Scope, session_hash: str) -> str:
    named = f"{_user(scope).id}\n{session_hash}".encode(errors="surrogatepass")
    return hashlib.sha256(named).hexdigest()
