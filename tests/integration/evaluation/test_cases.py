"""Regression cases over HTTP: create, derive, run, judge, export."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.edge.options import EdgeOptions
from api.server import build_api
from chat.accounts.models import AccountRole, utc_now
from chat.conversations.models import PresetText
from chat.conversations.presets import Presets
from chat.feedback.models import AnswerSnapshot, RatingInput
from chat.models import ChatMessage, Role, Status
from chat.serving.engines import Engines
from chat.serving.observer import Source
from store import RoutingStore, open_store
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine
from tests.hosting import StoreAccounts, hosting_of
from tests.house import client_of
from tests.migrated import migrated

HOSTILE = "\"><img src=x onerror=alert(1)>'{0}"
CASE = {
    "name": "Greeting",
    "prompt": [{"role": "system", "content": None}, {"role": "user", "content": "Say hi"}],
    "checks": [
        {"kind": "contains", "expected": "Hello"},
        {"kind": None, "expected": None},
    ],
    "reference": "Hallo there",
    "evidence_id": None,
    "sampling": '{"stop": ["X"], "temperature": 1.0}',
    "temperature": None,
    "max_new_tokens": 7,
    "seed": None,
}
Clients = dict[str, httpx.AsyncClient]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RoutingStore]:
    store = open_store(migrated(tmp_path))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def clients(store: RoutingStore) -> AsyncIterator[Clients]:
    """An administrator and two members."""
    accounts = StoreAccounts(store)
    hosting = hosting_of(
        store, generation=make_generation(ScriptedEngine([Script(["Hel", "lo you"])]))
    )
    app = build_api(
        engine=ScriptedEngine(),
        edge=EdgeOptions(),
        presets=Presets(store),
        sign_in=accounts.sign_in,
        hosting=hosting,
    )
    tokens = {"root": await accounts.add("root", AccountRole.ADMIN)}
    tokens |= {name: await accounts.add(name) for name in ("ann", "bob")}
    clients = {name: client_of(app, token) for name, token in tokens.items()}
    yield clients
    for client in clients.values():
        await client.aclose()
    await hosting.runs.close()


async def posted(client: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
    answer = await client.post(path, json={} if body is None else body)
    assert answer.status_code == 200, answer.text
    reply: dict[str, Any] = answer.json()
    return reply


async def only_case(client: httpx.AsyncClient) -> dict[str, Any]:
    (case,) = (await client.get("/api/cases/export")).json()["cases"]
    return dict(case)


async def finished_run(client: httpx.AsyncClient, body: dict[str, Any]) -> str:
    """The path of a run that has ended."""
    path = str((await posted(client, "/api/cases/runs", body))["next"])
    async with asyncio.timeout(30):
        while (await client.get(f"/api{path}/progress")).json()["running"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return path


async def test_a_form_becomes_a_case_and_a_file_round_trips(clients: Clients) -> None:
    ann = clients["ann"]
    assert await posted(ann, "/api/cases", CASE) == {"next": "/cases"}
    case = await only_case(ann)
    case_id = case.pop("id")
    assert case == {
        "name": "Greeting",
        "prompt": [{"role": "user", "content": "Say hi"}],
        "checks": [{"kind": "contains", "expected": "Hello"}],
        "sampling": {"max_new_tokens": 7, "stop": ["X"]},
        "reference": "Hallo there",
    }
    file = (await ann.get("/api/cases/export")).content
    await posted(ann, f"/api/cases/{case_id}/delete")
    as_json = {"Content-Type": "application/json"}
    reply = await ann.post("/api/cases/import", content=file, headers=as_json)
    assert reply.json()["imported"] == 1
    assert (await only_case(ann))["name"] == "Greeting"
    assert (await only_case(ann))["id"] != case_id
    changed = CASE | {"name": "Other", "temperature": 0.5}
    await posted(ann, f"/api/cases/{(await only_case(ann))['id']}", changed)
    assert (await only_case(ann))["sampling"]["temperature"] == 0.5


REFUSED: list[tuple[dict[str, Any], str, str | None]] = [
    ({"name": " "}, "bad_case", "name"),
    ({"checks": []}, "bad_case", "checks"),
    ({"checks": [{"kind": "regex", "expected": "("}]}, "bad_check", "checks"),
    ({"checks": [{"kind": "maths", "expected": "none"}]}, "bad_check", "checks"),
    ({"checks": [{"kind": "magic", "expected": "x"}]}, "invalid_request", None),
    ({"prompt": []}, "bad_case", "prompt"),
    ({"max_new_tokens": 0}, "bad_import", None),
    ({"sampling": "[]"}, "bad_import", None),
    ({"prompt": [{"role": "user", "content": "x", "calls": "{"}]}, "import_not_json", None),
    ({"prompt": [{"role": "user", "content": "x", "partial": "true"}]}, "bad_case", "prompt"),
    ({"checks": [{"kind": "human", "expected": "x" * 20_001}]}, "bad_case", "checks.expected"),
    ({"checks": [{"kind": "human", "expected": "x" * 2**20}]}, "bad_case", "checks.expected"),
    ({"reference": "x" * 200_001}, "message_too_long", "reference"),
    ({"name": "x" * 1001}, "bad_case", "name"),
]


async def test_an_invalid_case_is_refused_by_name(clients: Clients) -> None:
    for changes, code, param in REFUSED:
        answer = await clients["ann"].post("/api/cases", json=CASE | changes)
        error = answer.json()["error"]
        assert answer.status_code in (400, 422)
        assert error["code"] == code
        assert param is None or error["param"] == param
    assert (await clients["ann"].get("/api/cases/export")).json()["cases"] == []


async def test_a_case_is_run_displayed_and_compared_with_another_run(clients: Clients) -> None:
    ann = clients["ann"]
    await posted(ann, "/api/cases", CASE | {"name": HOSTILE})
    first = await finished_run(ann, {"which": "kept", "label": HOSTILE})
    second = await finished_run(ann, {"case_id": (await only_case(ann))["id"]})
    page = (await ann.get(first)).text
    assert 'data-verdict="passed"' in page
    assert "<ins>" in page
    beside = (await ann.get(f"{second}?against={first.rpartition('/')[2]}")).text
    assert 'class="pair"' in beside
    for html in (page, beside, (await ann.get("/cases")).text):
        assert "<img" not in html
    assert (await posted(ann, f"/api{first}/delete")) == {"next": "/cases"}
    assert (await ann.get(first)).status_code == 404


async def test_a_run_uses_the_chosen_model(store: RoutingStore) -> None:
    other = ScriptedEngine([Script(["Another"])], quantization="nf4")
    generation = make_generation(Engines(ScriptedEngine(), other))
    hosting = hosting_of(store, generation=generation)
    app = build_api(
        engine=ScriptedEngine(),
        edge=EdgeOptions(),
        presets=Presets(store),
        sign_in=StoreAccounts(store, sign_in_needed=False).sign_in,
        hosting=hosting,
    )
    async with client_of(app, None) as host:
        name = "Scripted-1B-Instruct (nf4)"
        assert f'<option value="{name}">' in (await host.get("/cases")).text
        path = await finished_run(host, {"which": "shipped-en", "engine": name})
        page = (await host.get(path)).text
        assert "Another" in page
        assert "<em>nf4</em>" in page
        refused = await host.post(
            "/api/cases/runs", json={"which": "shipped-en", "engine": "Other-3B (nf4)"}
        )
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "engine_not_serving")
    await hosting.runs.close()


async def test_human_checks_are_judged_on_the_page(clients: Clients) -> None:
    ann = clients["ann"]
    await posted(ann, "/api/cases", CASE | {"checks": [{"kind": "human", "expected": "kind"}]})
    run = await finished_run(ann, {"which": "kept"})
    case_id = (await only_case(ann))["id"]
    assert 'data-verdict="changed"' in (await ann.get(run)).text
    judged = await posted(ann, f"/api{run}/judge", {"case_id": case_id, "good": "yes"})
    assert judged == {"verdict": "passed"}
    assert 'data-verdict="passed"' in (await ann.get(run)).text
    assert (
        'data-verdict="passed"' in (await ann.get(await finished_run(ann, {"which": "kept"}))).text
    )


async def test_a_disliked_answer_becomes_a_case(clients: Clients, store: RoutingStore) -> None:
    root = clients["root"]
    (user, *_) = await store.accounts.users()
    snapshot = AnswerSnapshot(
        id="e",
        answer_id="a",
        owner_id=user.id,
        source=Source.PAGE,
        prompt=(ChatMessage(Role.USER, "Capital of France?"),),
        answer="Lyon",
        status=Status.DONE,
        made_at=utc_now(),
    )
    rating_input = RatingInput(correction="Paris")
    await store.feedback.ratings.rate(snapshot, user.id, rating_input, utc_now())
    assert ">\nParis</textarea>" in (await root.get("/cases/new?evidence=e")).text
    reply = await posted(root, "/api/cases/from-evidence/e")
    assert ">\nParis</textarea>" in (await root.get(reply["next"])).text
    assert (await clients["ann"].post("/api/cases/from-evidence/e", json={})).status_code == 404
    assert (await clients["ann"].get("/cases/new?evidence=e")).status_code == 404


async def test_another_members_cases_and_runs_are_not_found(clients: Clients) -> None:
    ann, bob = clients["ann"], clients["bob"]
    await posted(ann, "/api/cases", CASE)
    case_id = (await only_case(ann))["id"]
    run = await finished_run(ann, {"which": "kept"})
    for path in (f"/cases/{case_id}", run, f"/api{run}/progress"):
        assert (await bob.get(path)).status_code == 404
    for path, body in (
        (f"/api/cases/{case_id}", CASE),
        (f"/api/cases/{case_id}/delete", {}),
        (f"/api{run}/delete", {}),
        (f"/api{run}/cancel", {}),
        (f"/api{run}/judge", {"case_id": case_id, "good": "no"}),
        ("/api/cases/runs", {"case_id": case_id}),
    ):
        assert (await bob.post(path, json=body)).status_code == 404
    assert (await bob.post("/api/cases/runs", json={"which": "kept"})).json()["error"]["code"] == (
        "bad_case"
    )
    assert (await clients["root"].get(f"/cases/{case_id}")).status_code == 200


async def test_shipped_cases_can_be_read_and_run_but_not_changed(clients: Clients) -> None:
    ann, path = clients["ann"], "shipped.quadratic.en"
    assert "x² − 5x + 6 = 0" in (await ann.get(f"/cases/{path}")).text
    assert (await ann.post(f"/api/cases/{path}", json=CASE)).status_code == 404
    assert (await ann.post(f"/api/cases/{path}/delete", json={})).status_code == 404
    run = await finished_run(ann, {"case_id": path})
    assert 'data-verdict="failed"' in (await ann.get(run)).text


async def test_runs_are_distinguished_by_preset_version_and_model(
    clients: Clients, store: RoutingStore
) -> None:
    ann, presets = clients["ann"], Presets(store)
    owner_id = next(one.id for one in await store.accounts.users() if one.name == "ann")
    first = await presets.add(owner_id, PresetText("Kind & <b>", "Be kind."))
    await posted(ann, "/api/cases", CASE)
    run_form = {"which": "kept", "preset_id": first.ref.id}
    older = await finished_run(ann, run_form)
    await presets.revise(owner_id, first.ref.id, PresetText("Kinder", "Be very kind."))
    newer = await finished_run(ann, run_form | {"label": "again"})
    for page in ("/cases", newer):
        reply = (await ann.get(page)).text
        assert "Kind &amp; &lt;b&gt; v1" in reply
        assert "Scripted-1B-Instruct none" in reply
    assert "Kinder v2" in (await ann.get(newer)).text
    beside = (await ann.get(f"{older}?against={newer.rpartition('/')[2]}")).text
    assert "<bdi>Kinder v2</bdi> · <bdi>again</bdi>" in beside
    await presets.delete(owner_id, first.ref.id)
    assert (
        " · Scripted-1B-Instruct none · Kinder v2 · again</option>"
        in (await ann.get("/cases")).text
    )
