"""The edge: the middleware between the network and every route, outermost first.

All of it is pure ASGI: Starlette's BaseHTTPMiddleware would interfere with streams.
"""

from collections.abc import Mapping

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from api.edge.api_paths import ApiPaths
from api.edge.bodies import BodyLimit, BodyPace, HeaderLimit, JsonOnly
from api.edge.error_pages import ErrorPages
from api.edge.gradio_routes import GradioRoutes, RootPath
from api.edge.gradio_sessions import GradioSessions
from api.edge.headers import ResponseHeaders
from api.edge.methods import RouteMethods
from api.edge.options import EdgeOptions
from api.edge.origins import CrossOriginProtection, HostAllowlist
from api.edge.page_events import PageEvents
from api.edge.proxies import Proxies
from api.edge.response_metrics import ResponseMetrics
from api.edge.sessions import SignedInOnly
from api.edge.slashes import TrailingSlashes
from api.edge.stream_expiry import StreamExpiry
from api.ops.metrics import Metrics
from chat.accounts.authentication import Authenticator


def edge_middleware(
    options: EdgeOptions,
    authenticator: Authenticator,
    handlers: Mapping[int, str],
    metrics: Metrics,
    events: PageEvents,
) -> list[Middleware]:
    """The middleware in order. `handlers` maps the page's event numbers to handler names."""
    return [
        Middleware(Proxies, options=options),
        Middleware(RootPath, options=options),
        Middleware(ApiPaths),
        Middleware(ResponseMetrics, metrics=metrics),
        Middleware(ResponseHeaders),
        Middleware(ErrorPages, options=options),
        Middleware(HeaderLimit, options=options),
        Middleware(HostAllowlist, options=options),
        Middleware(TrailingSlashes, options=options),
        # Starlette's own class: Gradio looks for it by name, and only then does not install its own
        # CORS middleware, which allows every origin.
        Middleware(
            CORSMiddleware,
            allow_origin_regex=options.origin_pattern,
            allow_methods=("GET", "POST"),
            allow_headers=("*",),  # API clients send a dozen headers of their own
            expose_headers=("Retry-After", "X-Ignored-Parameters", "X-Request-ID"),
        ),
        Middleware(CrossOriginProtection, options=options),
        Middleware(GradioRoutes),
        # Before the body limits: no body is read from clients without permission.
        Middleware(SignedInOnly, options=options, authenticator=authenticator),
        Middleware(JsonOnly),
        Middleware(BodyPace, options=options),
        Middleware(BodyLimit, options=options),
        Middleware(StreamExpiry, options=options, authenticator=authenticator),
        Middleware(RouteMethods),
        Middleware(GradioSessions, handlers=handlers, events=events),
    ]
