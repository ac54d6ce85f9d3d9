"""The permission of every route, ours and Gradio's, and of every event of the page.

Routes that are missing here need a session; a test fails for every missing one. Which rows a user
sees is decided by the domain, where every query is bound to a user.
"""

from collections.abc import Mapping
from enum import StrEnum

from starlette.routing import compile_path

from chat.accounts.models import AccountRole, User


class Permission(StrEnum):
    """The users that may use a route or event."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed-in"
    MEMBER = "member"
    ADMIN = "admin"
    API = "api"
    """For programs: by an API key with that scope, or by the session if no key is sent."""
    METRICS = "metrics"
    """As API, for administrators and keys with the metrics scope."""


ALLOWED_ROLES: Mapping[Permission, frozenset[AccountRole]] = {
    Permission.SIGNED_IN: frozenset(AccountRole),
    Permission.MEMBER: frozenset({AccountRole.ADMIN, AccountRole.MEMBER}),
    Permission.ADMIN: frozenset({AccountRole.ADMIN}),
    Permission.API: frozenset({AccountRole.ADMIN, AccountRole.MEMBER}),
    Permission.METRICS: frozenset({AccountRole.ADMIN}),
}

UNKNOWN_API_ROUTE = "/v1/{path:path}"
"""Answers 404 to programs with a wrong path, in OpenAI's format."""

ROUTES: Mapping[str, Permission] = {
    # health checks, and files that browsers request without a cookie
    "/health": Permission.ANYBODY,
    "/healthz": Permission.ANYBODY,
    "/readyz": Permission.ANYBODY,
    "/manifest.json": Permission.ANYBODY,
    "/icons/{name}": Permission.ANYBODY,
    "/favicon.ico": Permission.ANYBODY,
    # sign-in
    "/sign-in": Permission.ANYBODY,
    "/welcome": Permission.ANYBODY,
    "/guest": Permission.ANYBODY,
    "/pages.css": Permission.ANYBODY,
    "/answer.css": Permission.ANYBODY,
    "/pages.js": Permission.ANYBODY,
    "/campaigns.js": Permission.SIGNED_IN,
    "/plan.js": Permission.MEMBER,
    "/cases.js": Permission.MEMBER,
    "/live.js": Permission.MEMBER,
    "/compare.js": Permission.SIGNED_IN,
    "/preview": Permission.SIGNED_IN,
    "/preview/diagram": Permission.SIGNED_IN,
    "/api/account/sign-in": Permission.ANYBODY,
    "/api/account/pass": Permission.ANYBODY,
    "/api/account/accept": Permission.ANYBODY,
    "/api/account/guest-link": Permission.ANYBODY,
    "/api/account/enter": Permission.ANYBODY,
    "/api/account/provider": Permission.ANYBODY,
    "/api/account/provider/return": Permission.ANYBODY,
    # programs
    "/metrics": Permission.METRICS,
    "/v1": Permission.API,
    "/v1/chat/completions": Permission.API,
    "/v1/completions": Permission.API,
    "/v1/embeddings": Permission.API,
    "/v1/feedback": Permission.API,
    "/v1/models": Permission.API,
    "/v1/models/{model:path}": Permission.API,
    "/v1/responses": Permission.API,
    "/v1/responses/{path:path}": Permission.API,
    "/v1/tokenize": Permission.API,
    UNKNOWN_API_ROUTE: Permission.API,
    "/docs": Permission.SIGNED_IN,
    "/docs/swagger-ui.css": Permission.SIGNED_IN,
    "/docs/swagger-ui-bundle.js": Permission.SIGNED_IN,
    "/openapi.json": Permission.SIGNED_IN,
    # the user's own account and data
    "/account": Permission.SIGNED_IN,
    "/api/account": Permission.SIGNED_IN,
    "/api/account/sign-out": Permission.SIGNED_IN,
    "/api/account/sign-out-everywhere": Permission.SIGNED_IN,
    "/api/account/password": Permission.SIGNED_IN,
    "/api/account/sessions/{session_id}/end": Permission.SIGNED_IN,
    "/api/account/delete": Permission.SIGNED_IN,
    "/api/conversations/{conversation_id}/export": Permission.SIGNED_IN,
    "/api/conversations/{conversation_id}/print": Permission.SIGNED_IN,
    "/api/export": Permission.SIGNED_IN,
    "/api/import": Permission.SIGNED_IN,
    "/api/encoding": Permission.SIGNED_IN,
    "/shares": Permission.MEMBER,
    "/api/shares": Permission.MEMBER,
    "/api/shares/{share_id}/revoke": Permission.MEMBER,
    "/shared/{token}": Permission.ANYBODY,
    "/api/presets/{preset_id}/export": Permission.SIGNED_IN,
    "/api/presets/import": Permission.SIGNED_IN,
    # guests
    "/guests": Permission.MEMBER,
    "/api/guest-links": Permission.MEMBER,
    "/api/guest-links/{link_id}/revoke": Permission.MEMBER,
    "/api/guest-links/{link_id}/extend": Permission.MEMBER,
    # API keys
    "/keys": Permission.MEMBER,
    "/api/keys": Permission.MEMBER,
    "/api/keys/{key_id}/revoke": Permission.MEMBER,
    # campaigns: of their hosts, and of their testers
    "/campaigns": Permission.MEMBER,
    "/campaigns/new": Permission.MEMBER,
    "/campaigns/{campaign_id}": Permission.MEMBER,
    "/campaigns/{campaign_id}/edit": Permission.MEMBER,
    "/campaigns/{campaign_id}/preview": Permission.MEMBER,
    "/api/campaigns": Permission.MEMBER,
    "/api/campaigns/drafts": Permission.MEMBER,
    "/api/campaigns/{campaign_id}": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/draft": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/delete": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/close": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/reopen": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/links": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/progress": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/live": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/pause": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/resume": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/extend": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/notice": Permission.MEMBER,
    "/api/campaigns/{campaign_id}/links/{link_id}/raise": Permission.MEMBER,
    "/campaigns/{campaign_id}/chats/{conversation_id}": Permission.MEMBER,
    "/campaign/{campaign_id}": Permission.SIGNED_IN,
    "/campaign/{campaign_id}/survey": Permission.SIGNED_IN,
    "/api/campaign/{campaign_id}/consent": Permission.SIGNED_IN,
    "/api/campaign/{campaign_id}/survey": Permission.SIGNED_IN,
    "/api/campaign/{campaign_id}/withdraw": Permission.SIGNED_IN,
    "/api/campaign/{campaign_id}/tick": Permission.SIGNED_IN,
    "/api/campaign/{campaign_id}/notice": Permission.SIGNED_IN,
    "/notice.js": Permission.SIGNED_IN,
    # blind comparisons, by their testers
    "/campaign/{campaign_id}/compare": Permission.SIGNED_IN,
    "/api/campaign/{campaign_id}/duels": Permission.SIGNED_IN,
    "/api/duels/{comparison_id}/again": Permission.SIGNED_IN,
    "/api/duels/{comparison_id}/stop": Permission.SIGNED_IN,
    "/api/duels/{comparison_id}/vote": Permission.SIGNED_IN,
    "/api/duels/{comparison_id}/skip": Permission.SIGNED_IN,
    "/api/duels/{comparison_id}/comment": Permission.SIGNED_IN,
    "/api/duel-events/{comparison_id}": Permission.SIGNED_IN,
    # regression cases and their runs
    "/cases": Permission.MEMBER,
    "/cases/new": Permission.MEMBER,
    "/cases/{case_id}": Permission.MEMBER,
    "/cases/runs/{run_id}": Permission.MEMBER,
    "/api/cases": Permission.MEMBER,
    "/api/cases/export": Permission.MEMBER,
    "/api/cases/import": Permission.MEMBER,
    "/api/cases/from-evidence/{evidence_id}": Permission.MEMBER,
    "/api/cases/runs": Permission.MEMBER,
    "/api/cases/runs/{run_id}/progress": Permission.MEMBER,
    "/api/cases/runs/{run_id}/cancel": Permission.MEMBER,
    "/api/cases/runs/{run_id}/judge": Permission.MEMBER,
    "/api/cases/runs/{run_id}/delete": Permission.MEMBER,
    "/api/cases/{case_id}": Permission.MEMBER,
    "/api/cases/{case_id}/delete": Permission.MEMBER,
    # the dashboard, a Gradio page
    "/dashboard": Permission.MEMBER,
    "/dashboard/": Permission.MEMBER,
    # results
    "/results": Permission.MEMBER,
    "/results.js": Permission.MEMBER,
    "/results/votes": Permission.MEMBER,
    "/results/votes/{comparison_id}": Permission.MEMBER,
    "/results/{evidence_id}": Permission.MEMBER,
    "/api/results/export": Permission.MEMBER,
    "/api/results/preview": Permission.MEMBER,
    "/api/results/report": Permission.MEMBER,
    "/api/results/report/preview": Permission.MEMBER,
    "/api/results/tables": Permission.MEMBER,
    "/api/results/tables/preview": Permission.MEMBER,
    "/api/results/{evidence_id}/review": Permission.MEMBER,
    # people
    "/people": Permission.ADMIN,
    "/api/people/invite": Permission.ADMIN,
    "/api/people/invitations/{invitation_id}/withdraw": Permission.ADMIN,
    "/api/people/audit.csv": Permission.ADMIN,
    "/api/people/{user_id}/reset": Permission.ADMIN,
    "/api/people/{user_id}/rank": Permission.ADMIN,
    "/api/people/{user_id}/disable": Permission.ADMIN,
    "/api/people/{user_id}/enable": Permission.ADMIN,
    "/api/people/{user_id}/delete": Permission.ADMIN,
    # the page; `api.edge.gradio_routes` lists which routes of Gradio are open at all
    "/": Permission.SIGNED_IN,
    "/config": Permission.SIGNED_IN,
    "/config/": Permission.SIGNED_IN,
    "/assets/{path:path}": Permission.SIGNED_IN,
    "/static/{path:path}": Permission.SIGNED_IN,
    "/svelte/{path:path}": Permission.SIGNED_IN,
    "/theme.css": Permission.SIGNED_IN,
    "/robots.txt": Permission.SIGNED_IN,
    "/pwa_icon": Permission.SIGNED_IN,
    "/pwa_icon/{size}": Permission.SIGNED_IN,
    "/gradio_api/app_id": Permission.SIGNED_IN,
    "/gradio_api/startup-events": Permission.SIGNED_IN,
    "/gradio_api/theme.css": Permission.SIGNED_IN,
    "/gradio_api/heartbeat/{session_hash}": Permission.SIGNED_IN,
    "/gradio_api/queue/data": Permission.SIGNED_IN,
    "/gradio_api/queue/join": Permission.SIGNED_IN,
    "/gradio_api/run/{api_name}": Permission.SIGNED_IN,
    "/gradio_api/run/{api_name}/": Permission.SIGNED_IN,
    "/gradio_api/file={path_or_url:path}": Permission.SIGNED_IN,
}

HANDLERS: Mapping[str, Permission] = {
    # the page's events, by the `__qualname__` of their handlers
    **dict.fromkeys(
        (
            "Composer.attach",
            "Composer.detach",
            "Composer.oversize",
            "Composer.measure",
            "Composer.keep_options",
            "Composer.send",
            "Composer.stop",
            "Details.answer",
            "Details.file",
            "Details.prompt",
            "PresetPanel.choose",
            "PresetPanel.delete",
            "PresetPanel.imported",
            "PresetPanel.list",
            "PresetPanel.reset",
            "PresetPanel.save",
            "PresetPanel.write",
            "RatingPanel.open",
            "RatingPanel.rate",
            "Sidebar.archive",
            "Sidebar.delete",
            "Sidebar.destroy",
            "Sidebar.folder",
            "Sidebar.found",
            "Sidebar.imported",
            "Sidebar.more",
            "Sidebar.new_chat",
            "Sidebar.pin",
            "Sidebar.rename",
            "Sidebar.restore",
            "Sidebar.search",
            "Sidebar.temporary",
            "Sidebar.tick",
            "TaskPanel.tick",
            "Transcript.catch_up",
            "Transcript.earlier",
            "Transcript.follow",
            "Transcript.listen",
            "Transcript.load",
            "Transcript.settle",
            "Transcript.speak",
            "Versions.delete_branch",
            "Versions.delete_turn",
            "Versions.edit",
            "Versions.go_on",
            "Versions.retry",
            "Versions.show",
            "Versions.undo",
            "Versions.undo_turn",
        ),
        Permission.SIGNED_IN,
    ),
    "DashboardPanel.draw": Permission.MEMBER,
    "PresetPanel.share": Permission.MEMBER,
}

_PATTERNS = [(compile_path(route)[0], route) for route in ROUTES]


def route_at(path: str) -> str | None:
    """The key of ROUTES that matches `path`; None if there is none."""
    return next((route for pattern, route in _PATTERNS if pattern.match(path)), None)


def permission_at(path: str) -> Permission:
    """The permission of the route at `path`."""
    if route := route_at(path):
        return ROUTES[route]
    # Programs with a wrong path get 404, not a redirect to the sign-in page.
    return Permission.API if path.startswith("/v1/") else Permission.SIGNED_IN


def allows(user: User | None, needed: Permission) -> bool:
    """Whether `user`, or an anonymous client if None, has the permission `needed`."""
    if needed is Permission.ANYBODY:
        return True
    return user is not None and user.role in ALLOWED_ROLES[needed]
