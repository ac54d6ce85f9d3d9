"""Requests made up from a seed: events of the page, addresses of pages, bodies of the API."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.proof.site import ProofSite, as_json
from ui.gradio_adapter.events import EVENT_DATA

HOSTILE: Sequence[Any] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**63),
    10**30,
    1e308,
    -0.5,
    float("nan"),
    float("inf"),
    "",
    " ",
    "x",
    "en",
    "zh",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "\u202e\ufeff",
    "名" * 300,
    "x" * 5_000,
    "x" * 300_000,
    "x@" + "9" * 5_000,
    "@1",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01",
    "9999-12-31",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30",
    "temporary",
    "preset=x",
    "campaign=x",
    "' OR 1=1 --",
    "%",
    "{0.__class__}",
    "<script>",
    "../../etc/passwd",
    [],
    {},
    [[]],
    [None] * 100,
    {"": None},
    {"path": "/etc/passwd"},
    {"props": {"value": 1}},
    [{"id": 1}],
    {"a": {"b": {"c": [1, 2, {"d": "\0"}]}}},
)
"""What no part of the page sends, and each part of the app may get."""


@dataclass(frozen=True, slots=True)
class MadeRequest:
    """One request with the session of the user of that name."""

    kind: str
    name: str | None
    method: str
    path: str
    body: bytes | None = None


def deep(rng: random.Random) -> Any:
    """Lists within lists."""
    value: Any = rng.choice(HOSTILE[:20])
    for _ in range(rng.choice((5, 40, 70, 600))):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


def anything(rng: random.Random, site: ProofSite) -> Any:
    """A value of any kind; one time in three an id of something that is there."""
    drawn = rng.random()
    if drawn < 0.3:
        return rng.choice([*site.ids.values()])
    if drawn < 0.36:
        return deep(rng)
    return rng.choice(HOSTILE)


class Maker:
    """Makes requests, the same ones for the same seed."""

    def __init__(self, site: ProofSite, seed: int) -> None:
        self._site = site
        self._rng = random.Random(seed)
        self._events = site.events()
        self._kinds: Sequence[Callable[[], MadeRequest]] = (
            self.event,
            self.event,
            self.event,
            self.page,
            self.page,
            self.call,
            self.program,
        )

    def make(self) -> MadeRequest:
        return self._rng.choice(self._kinds)()

    def event(self) -> MadeRequest:
        """An event that fits but for some of its values."""
        rng = self._rng
        name, number = rng.choice(sorted(self._events.items()))
        body: dict[str, Any] = {
            "fn_index": number,
            "session_hash": f"tab{rng.randrange(40)}",
            "trigger_id": None,
            "data": [self._input(component) for component in self._site.page.fns[number].inputs],
            "event_data": self._event_data(name),
        }
        if rng.random() < 0.2:
            body[rng.choice([*body])] = anything(rng, self._site)
        if rng.random() < 0.05:
            body[rng.choice(("event_id", "batched", "simple_format", "oauth_token"))] = "x"
        route = rng.choice(("queue/join", "run/predict", "run/x"))
        return self._post("event", f"/gradio_api/{route}", body)

    def _input(self, component: Any) -> Any:
        rng, kind = self._rng, type(component).__name__
        if rng.random() < 0.15:
            return anything(rng, self._site)
        right = {"Radio": "en", "HTML": self._site.ids["conversation"], "Number": 1.0}
        return right.get(kind, "Name a river" if kind == "Textbox" else None)

    def _event_data(self, name: str) -> Any:
        rng, fields = self._rng, EVENT_DATA.get(name, {})
        known = {
            "message": self._site.ids["message"],
            "id": self._site.ids["conversation"],
            "preset": self._site.ids["preset"],
            "conversation": self._site.ids["conversation"],
            "files": [{"id": "1", "name": "a.txt", "text": "x", "pasted": False}],
            "fields": {"name": "x", "system_prompt": "", "questions": []},
            "opinion": {"verdict": "up", "reasons": [], "comment": ""},
            **dict.fromkeys(("pinned", "opens", "shared", "quick", "done"), True),
            **dict.fromkeys(("count", "place"), 0),
        }
        data = {
            field: anything(rng, self._site) if rng.random() < 0.2 else known.get(field, "x")
            for field in fields
        }
        return data if rng.random() < 0.95 else anything(rng, self._site)

    def page(self) -> MadeRequest:
        """A page of the server's with an odd query."""
        rng, ids = self._rng, self._site.ids
        path = rng.choice(PAGES).format(**ids)
        names = rng.sample(QUERY, rng.randrange(1, 5))
        query = "&".join(f"{name}={self._in_query()}" for name in names)
        return MadeRequest(
            "page", rng.choice(("root", "host", "guest", None)), "GET", f"{path}?{query}"
        )

    def _in_query(self) -> str:
        rng = self._rng
        if rng.random() < 0.25:
            return rng.choice(("%00", "%ED%A0%80", "%FF", "%", "%E5%90%8D", "a%00b", "%0d%0a"))
        value = str(anything(rng, self._site))[:2_000]
        return "".join(f"%{byte:02X}" for byte in value.encode("utf-8", "surrogatepass"))

    def call(self) -> MadeRequest:
        """A form of the pages, with values of other kinds."""
        path, fields = self._rng.choice(sorted(FORMS.items()))
        return self._post("form", path.format(**self._site.ids), self._changed(fields))

    def program(self) -> MadeRequest:
        """A request of the API, with values of other kinds."""
        path, fields = self._rng.choice(sorted(PROGRAMS.items()))
        return self._post("api", path, self._changed(fields))

    def _changed(self, fields: Mapping[str, Any]) -> Any:
        rng, body = self._rng, dict(fields)
        for name in rng.sample([*fields, "other"], min(len(fields), rng.randrange(1, 4))):
            body[name] = anything(rng, self._site)
        return body if rng.random() < 0.95 else anything(rng, self._site)

    def _post(self, kind: str, path: str, body: Any) -> MadeRequest:
        name = self._rng.choice(("root", "host", "host", "guest"))
        return MadeRequest(kind, name, "POST", path, as_json(body))


PAGES = (
    "/",
    "/config",
    "/dashboard",
    "/sign-in",
    "/welcome",
    "/guest",
    "/account",
    "/guests",
    "/keys",
    "/people",
    "/api/people/audit.csv",
    "/campaigns",
    "/campaigns/new",
    "/campaigns/{campaign}",
    "/campaigns/{campaign}/edit",
    "/campaign/{campaign}",
    "/campaign/{campaign}/survey",
    "/campaign/{campaign}/compare",
    "/cases",
    "/cases/new",
    "/cases/{message}",
    "/cases/runs/{message}",
    "/results",
    "/results/votes",
    "/results/{message}",
    "/results/votes/{message}",
    "/api/results/export",
    "/api/results/preview",
    "/api/results/report",
    "/api/results/report/preview",
    "/api/cases/export",
    "/api/export",
    "/api/conversations/{conversation}/export",
    "/api/presets/{preset}/export",
    "/api/campaigns/{campaign}/progress",
    "/v1/models",
    "/v1/models/{preset}",
    "/gradio_api/queue/data",
    "/gradio_api/file=x",
    "/theme.css",
)

QUERY = (
    "since",
    "until",
    "after",
    "words",
    "campaign",
    "preset",
    "verdict",
    "reason",
    "corrected",
    "language",
    "model",
    "standing",
    "assignee",
    "lang",
    "format",
    "kind",
    "version",
    "copy",
    "next",
    "page",
    "task",
    "tester",
    "choice",
    "variant",
    "before",
    "run",
    "against",
    "session_hash",
    "shape",
    "redact",
)
"""Names that pages know, and some that no page knows."""

LINK = {"label": "x", "days": 1, "max_guests": 1, "max_messages": 1, "max_tokens": 1}

FORMS: Mapping[str, Mapping[str, Any]] = {
    "/api/account/sign-in": {"name": "host", "password": "x" * 12},
    "/api/account/pass": {"token": "x"},
    "/api/account/accept": {"token": "x", "name": "x", "password": "x" * 12},
    "/api/account/guest-link": {"token": "x"},
    "/api/account/enter": {"token": "x", "nickname": "x"},
    "/api/account/password": {"old": "x", "new": "y" * 12},
    "/api/guest-links": LINK,
    "/api/keys": {"name": "x", "days": 1, "requests_per_minute": 1, "tokens_per_day": 1},
    "/api/people/invite": {"rank": "member"},
    "/api/campaigns": {
        "title": "x",
        "mode": "single",
        "variants": [{"name": "A", "preset": "x@1", "top_k": 1, "seed": 1}],
        "tasks": [],
        "survey": [],
        "reasons": "",
        "consent": "",
        "thanks": "",
        "starts_at": None,
        "ends_at": "2099-01-01T00:00:00Z",
        "keep_days": 1,
    },
    "/api/campaigns/{campaign}/links": LINK,
    "/api/campaign/{campaign}/consent": {"digest": "x"},
    "/api/campaign/{campaign}/survey": {"answers": {}, "send": False},
    "/api/campaign/{campaign}/tick": {"task": "x", "done": True},
    "/api/campaign/{campaign}/duels": {"question": "x", "task_id": "", "request_id": "x"},
    "/api/duels/{message}/vote": {"choice": "left"},
    "/api/duels/{message}/comment": {"comment": "x"},
    "/api/cases": {
        "name": "x",
        "prompt": [{"role": "user", "content": "x"}],
        "checks": [{"kind": "contains", "expected": "x"}],
        "temperature": 0,
    },
    "/api/cases/import": {"format": "qwen-chat-cases", "version": 1, "cases": []},
    "/api/cases/runs": {"preset_id": "", "cases": [], "label": "", "against": None, "engine": ""},
    "/api/cases/runs/{message}/judge": {"case_id": "x", "passed": True},
    "/api/results/{message}/review": {"state": "ok", "note": "x", "assignee": None},
    "/api/import": {"messages": [{"role": "user", "content": "x"}]},
    "/api/presets/import": {"format": "qwen-chat-preset", "version": 1, "name": "x"},
}

PROGRAMS: Mapping[str, Mapping[str, Any]] = {
    "/v1/chat/completions": {
        "model": "default",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 1,
        "max_tokens": 5,
        "stop": ["x"],
        "seed": 1,
        "tools": [],
        "response_format": {"type": "text"},
    },
    "/v1/completions": {"model": "default", "prompt": "x", "max_tokens": 5, "stop": None},
    "/v1/responses": {
        "model": "default",
        "input": [{"role": "user", "content": "Hi"}],
        "instructions": "x",
        "max_output_tokens": 5,
        "tools": [],
        "text": {"format": {"type": "text"}},
    },
    "/v1/tokenize": {"model": "default", "prompt": "x"},
    "/v1/feedback": {"id": "x", "verdict": "up", "comment": "x"},
}
