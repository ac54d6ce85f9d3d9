"""Results over HTTP: access, escaping, files and reviews."""

import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from markupsafe import escape
from openpyxl import load_workbook

from api.edge.options import EdgeOptions
from api.server import build_api
from chat.accounts.models import AccountRole, AuditEntry, User
from chat.campaigns.models import Campaign, Mode, Plan, QuestionKind, SurveyQuestion, Variant
from chat.conversations.presets import Presets
from chat.feedback.models import RatingInput, Verdict
from chat.feedback.omissions import Omission
from chat.feedback.result_models import RatingFilter
from chat.feedback.results import Results
from chat.models import ChatMessage, Role, Status
from formats.datasets import DataFormat, data_file
from formats.redaction.redactor import MOST_NAMES, Redactor
from store import RoutingStore, open_store
from store.schema.campaigns import ParticipantRow
from tests.contract.feedback_rows import add_rows
from tests.contract.stores import START
from tests.fakes import ScriptedEngine
from tests.hosting import StoreAccounts, hosting_of
from tests.house import client_of
from tests.migrated import migrated
from tests.rated import UP, snapshot

HOSTILE = "\"><img src=x onerror=alert(1)>'{0}"
ESCAPED = escape(HOSTILE)
PLAN = Plan(
    f"Try {HOSTILE}",
    Mode.SINGLE,
    (Variant(HOSTILE, system_prompt=HOSTILE),),
    survey=(SurveyQuestion("q", QuestionKind.TEXT, HOSTILE),),
)
JOINED = AuditEntry(START, "", "test")


@dataclass
class Hosts:
    """An administrator, two members, a campaign of the first, and a client for each."""

    store: RoutingStore
    admin: httpx.AsyncClient
    bob: httpx.AsyncClient
    cy: httpx.AsyncClient
    users: dict[str, User]

    async def rate(self, name: str, rating_input: RatingInput = UP, **snapshot_fields: Any) -> None:
        frozen = snapshot(name, **{"owner_id": self.users["admin"].id, **snapshot_fields})
        await self.store.feedback.ratings.rate(frozen, self.users["admin"].id, rating_input, START)


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Hosts]:
    store = open_store(migrated(tmp_path))
    await store.open()
    accounts = StoreAccounts(store)
    tokens = {"admin": await accounts.add("admin", AccountRole.ADMIN)}
    for name in ("bob", "cy"):
        tokens[name] = await accounts.add(name)
    users = {name: await accounts.user(token) for name, token in tokens.items()}
    campaign = Campaign("campaign", users["bob"].id, PLAN, START)
    await store.feedback.campaigns.add(campaign, JOINED)
    app = build_api(
        engine=ScriptedEngine(),
        edge=EdgeOptions(),
        presets=Presets(store),
        sign_in=accounts.sign_in,
        hosting=hosting_of(store),
    )
    admin, bob, cy = (client_of(app, token) for token in tokens.values())
    async with admin, bob, cy:
        yield Hosts(store, admin, bob, cy, users)
    await store.close()


async def test_a_member_sees_the_answers_of_their_campaign(hosts: Hosts) -> None:
    await hosts.rate("in", campaign_id="campaign", question="Inside?")
    await hosts.rate("out", question="Outside?")
    for client, seen in ((hosts.admin, "Inside Outside"), (hosts.bob, "Inside"), (hosts.cy, "")):
        page = (await client.get("/results")).text
        assert [word for word in ("Inside", "Outside") if f"{word}?" in page] == seen.split()
        for name, where in (("in", "Inside"), ("out", "Outside")):
            answer = await client.get(f"/results/{name}")
            assert answer.status_code == (200 if where in seen else 404)
            body = {"standing": "usable"}
            review = await client.post(f"/api/results/{name}/review", json=body)
            assert review.status_code == (200 if where in seen else 404)
        table = (await client.get("/api/results/export?format=csv")).text
        assert len(table.splitlines()) == 1 + len(seen.split())
        report = await client.get("/api/results/report?campaign=campaign")
        assert report.status_code == (404 if client is hosts.cy else 200)


async def test_an_assigned_reviewer_sees_the_answer(hosts: Hosts) -> None:
    await hosts.rate("given")
    path, body = "/api/results/given/review", {"assignee": hosts.users["cy"].id}
    assert (await hosts.admin.post(path, json=body)).status_code == 200
    assert (await hosts.cy.get("/results/given")).status_code == 200
    assert (await hosts.admin.post(path, json={"assignee": "nobody"})).status_code == 404
    assert (await hosts.cy.post(path, json={"note": "x" * 20_001})).status_code == 400
    assert (await hosts.admin.post(path, json={"assignee": None})).status_code == 200
    assert (await hosts.cy.get("/results/given")).status_code == 404


async def test_hostile_text_is_escaped(hosts: Hosts) -> None:
    rating_input = RatingInput(Verdict.DOWN, ("other",), HOSTILE, f"Better {HOSTILE}")
    prompt = (ChatMessage(Role.SYSTEM, HOSTILE), ChatMessage(Role.USER, HOSTILE))
    await hosts.rate(
        "e", rating_input, campaign_id="campaign", prompt=prompt, answer=HOSTILE, language=HOSTILE
    )
    await hosts.admin.post("/api/results/e/review", json={"note": HOSTILE})
    for path in (
        "/results",
        "/results?words=" + HOSTILE.replace("{", "%7B"),
        "/results?campaign=%3Cimg%3E&model=%3Cimg%3E&verdict=down",
        "/results/e",
        "/api/results/report?campaign=campaign&lang=zh",
    ):
        page = (await hosts.admin.get(path)).text
        assert "<img" not in page
        assert "{0}" in page or "words" in path or "%3C" in path


async def test_a_filter_is_an_address(hosts: Hosts) -> None:
    await hosts.rate("good", question="Was it good?")
    await hosts.rate("bad", RatingInput(Verdict.DOWN, ("too-long",)), question="Was it bad?")
    page = (await hosts.admin.get("/results?verdict=down&reason=too-long&since=&words=bad")).text
    assert "Was it bad?" in page
    assert "Was it good?" not in page
    assert "/results/bad?verdict=down&amp;reason=too-long&amp;words=bad" in page
    for wrong in ("verdict=sideways", "since=yesterday", f"reason={'x' * 201}"):
        assert (await hosts.admin.get(f"/results?{wrong}")).status_code == 422
    assert (await hosts.admin.get("/results?after=nowhere")).status_code == 200


async def test_the_list_continues_with_the_next_page(hosts: Hosts) -> None:
    for number in range(60):
        await hosts.rate(f"e{number:02}", question=f"Question {number:02}?")
    first = (await hosts.admin.get("/results")).text
    (link,) = {part.split('"')[0] for part in first.split('href="') if "after=" in part}
    second = (await hosts.admin.get(link.replace("&amp;", "&"))).text
    questions = [f"Question {number:02}?" for number in range(60)]
    assert [text in first for text in questions] == [False] * 10 + [True] * 50
    assert [text in second for text in questions] == [True] * 10 + [False] * 50


async def test_exports_match_the_service_and_are_downloads(hosts: Hosts) -> None:
    text = RatingInput(Verdict.DOWN, correction="Ann wrote it: a@b.cn")
    await hosts.rate("e", text)
    results = Results(hosts.store.feedback.results, hosts.store.accounts)
    for kind in DataFormat:
        answer = await hosts.admin.get(f"/api/results/export?format={kind}&redact=true")
        file = data_file(kind, RatingFilter(), Redactor())
        pieces = [
            piece async for piece in results.export(hosts.users["admin"], RatingFilter(), file)
        ]
        assert answer.content == b"".join(pieces)
        assert b"[email]" in answer.content
        assert "sandbox" in answer.headers.get_list("content-security-policy")
        assert kind.suffix in answer.headers["content-disposition"]
        path = f"/api/results/export?format={kind}"
        named = await hosts.admin.post(path, json={"names": "Ann\nBob"})
        assert b"[name] wrote it: [email]" in named.content
        path = f"/api/results/preview?format={kind}"
        body = (await hosts.admin.post(path, json={"names": "Ann"})).json()
        assert (body["lines"], body["masked"]["name"]) == (1, 1)
    assert (await hosts.admin.get("/api/results/export?format=exe")).status_code == 422


async def test_a_report_is_masked_in_both_languages_with_counts(hosts: Hosts) -> None:
    text = RatingInput(Verdict.DOWN, comment="Ann wrote it: a@b.cn")
    await hosts.rate("e", text, campaign_id="campaign")
    path = "/api/results/report?campaign=campaign"
    assert "Ann wrote it: a@b.cn" in (await hosts.bob.get(path)).text
    masked = (await hosts.bob.get(f"{path}&redact=true")).text
    assert "Ann wrote it: [email]" in masked
    assert "are masked: [email] 1." in masked
    named = await hosts.bob.post(f"{path}&lang=zh", json={"names": "Ann\nBob"})
    assert "[name] wrote it: [email]" in named.text
    assert "已被遮盖：[email] 1, [name] 1。" in named.text
    assert "sandbox" in named.headers.get_list("content-security-policy")
    assert ".html" in named.headers["content-disposition"]
    preview = path.replace("report?", "report/preview?")
    body = (await hosts.bob.post(preview, json={"names": "Ann"})).json()
    assert body == {"masked": {"email": 1, "name": 1}}
    assert (await hosts.bob.post(preview, json={})).json() == {"masked": {}}
    for refused in (path, preview):
        assert (await hosts.cy.post(refused, json={"names": "Ann"})).status_code == 404


async def test_a_campaign_s_page_offers_its_report_in_both_languages_and_masked(
    hosts: Hosts,
) -> None:
    for path in ("/campaigns/campaign", "/results?campaign=campaign"):
        page = (await hosts.bob.get(path)).text
        (form,) = [part for part in page.split("<form ") if "/api/results/report" in part]
        assert 'data-export="/api/results/report"' in form
        assert 'data-preview="/api/results/report/preview"' in form
        assert 'data-query="?campaign=campaign"' in form
        assert '<option value="zh">Chinese</option>' in form
        assert '<option value="en" selected>English</option>' in form
        assert 'name="redact" value="true"' in form
        assert '<textarea name="names"' in form
    assert "/api/results/report" not in (await hosts.bob.get("/results")).text


async def test_a_campaigns_page_lists_planned_variants_and_actual_models(
    hosts: Hosts,
) -> None:
    page = (await hosts.bob.get("/campaigns/campaign")).text
    plan = page.partition("<h2>Plan</h2>")[2]
    assert plan.count(ESCAPED) >= 2
    assert "Nothing has answered yet." in plan


@pytest.mark.parametrize(
    ("names", "code", "limit"),
    [
        ("\n".join(f"name {number}" for number in range(MOST_NAMES + 1)), "too_many_names", 2000),
        ("Ann\n" + "x" * 101, "name_too_long", 100),
        ("\n".join(f"{number:0100}" for number in range(MOST_NAMES)), None, None),
    ],
    ids=["many", "long", "just so"],
)
async def test_a_truncated_list_of_names_is_refused_with_its_limit(
    hosts: Hosts, names: str, code: str | None, limit: int | None
) -> None:
    for path in ("export", "preview"):
        answer = await hosts.admin.post(
            f"/api/results/{path}?format=csv&redact=true", json={"names": names}
        )
        assert answer.status_code == (400 if code else 200)
        if code:
            error = answer.json()["error"]
            assert (error["code"], error["param"], error["limit"]) == (code, "names", limit)


async def test_an_answer_without_text_is_marked_and_gives_no_example(hosts: Hosts) -> None:
    slow = RatingInput(Verdict.DOWN, ("slow",), "I gave up.")
    await hosts.rate("e", slow, answer="", status=Status.STOPPED)
    await hosts.admin.post("/api/results/e/review", json={"standing": "usable"})
    for language, words in (("en", "No text"), ("zh", "没有文字")):
        page = await hosts.admin.get("/results/e", headers={"Accept-Language": language})
        assert f'<p class="hint">{words}' in page.text
    for kind in (DataFormat.SFT, DataFormat.DPO):
        refused = await hosts.admin.get(f"/api/results/export?format={kind}")
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "nothing_to_export"
        assert "1 with an answer without text" in refused.json()["error"]["message"]
        preview = await hosts.admin.post(f"/api/results/preview?format={kind}", json={})
        assert preview.json() == {
            "lines": 0,
            "left_out": 1,
            "omissions": {"no-text": 1},
            "empty": True,
            "masked": {},
        }
    assert "I gave up." in (await hosts.admin.get("/api/results/export?format=csv")).text


async def test_a_case_is_derived_from_a_rated_answer(hosts: Hosts) -> None:
    await hosts.rate("e")
    page = (await hosts.admin.get("/results/e")).text
    assert 'data-post="/api/cases/from-evidence/e"' in page
    created = await hosts.admin.post("/api/cases/from-evidence/e", json={})
    assert (await hosts.admin.get(created.json()["next"])).status_code == 200


async def test_guests_and_other_members_see_no_results(hosts: Hosts) -> None:
    await hosts.rate("e")
    for path in ("/results", "/results/e", "/api/results/export?format=csv"):
        hosts.cy.cookies.clear()
        answer = await hosts.cy.get(path)
        assert answer.status_code in (303, 401)
    results = Results(hosts.store.feedback.results, hosts.store.accounts)
    guest = replace(hosts.users["cy"], role=AccountRole.GUEST)
    with pytest.raises(Exception, match="no such thing"):
        results.export(guest, RatingFilter(), data_file(DataFormat.CSV, RatingFilter()))


async def test_the_words_of_a_filter_come_back_in_its_form(hosts: Hosts) -> None:
    page = (await hosts.admin.get("/results?words=quick%20fox&since=2026-01-02&standing=open")).text
    assert 'value="quick fox"' in page
    assert 'value="2026-01-02"' in page
    assert '<option value="open" selected>' in page


async def test_a_filter_without_matches_is_refused_as_training_data_only(hosts: Hosts) -> None:
    for kind, status in (("sft", 409), ("dpo", 409), ("csv", 200), ("json", 200)):
        answer = await hosts.cy.get(f"/api/results/export?format={kind}")
        assert answer.status_code == status
        if status == 409:
            assert "Nothing that it takes matches the filter." in answer.json()["error"]["message"]
        preview = await hosts.cy.post(f"/api/results/preview?format={kind}&first=1", json={})
        assert preview.json()["empty"] is (status == 409)


async def test_the_list_has_every_reason_to_leave_something_out_in_both_languages(
    hosts: Hosts,
) -> None:
    for language, tie in (("en", "{count} {count:tie|ties}"), ("zh", "{count} 票不分上下")):
        page = await hosts.admin.get("/results", headers={"Accept-Language": language})
        (patterns,) = re.findall(r'data-omissions="([^"]*)"', page.text)
        assert json.loads(unescape(patterns)).keys() == set(Omission)
        assert json.loads(unescape(patterns))["tie"] == tie


async def test_a_blind_comparison_says_before_the_download_that_it_gives_no_pairs(
    hosts: Hosts,
) -> None:
    same = (Variant("A", "Be brief."), Variant("B", "Be brief.", engine="Other"))
    for name, mode, variants, warns in (
        ("prompts", Mode.BLIND, (Variant("A"), Variant("B", "Sing.")), True),
        ("models", Mode.BLIND, same, False),
        ("one", Mode.SINGLE, (Variant("A"), Variant("B", "Sing.")), False),
    ):
        campaign = Campaign(name, hosts.users["bob"].id, Plan(name, mode, variants), START)
        await hosts.store.feedback.campaigns.add(campaign, JOINED)
        page = (await hosts.bob.get(f"/campaigns/{name}")).text
        assert ("give no pairs for training" in page) is warns


async def test_a_campaign_leaves_whole_as_a_workbook_as_csv_and_its_survey_as_json(
    hosts: Hosts,
) -> None:
    text = RatingInput(Verdict.DOWN, comment="=Ann wrote it: a@b.cn")
    await hosts.rate("e", text, campaign_id="campaign")
    path = "/api/results/tables?campaign=campaign"
    for kind, media_type, suffix in (
        ("xlsx", "spreadsheetml.sheet", ".xlsx"),
        ("tables", "application/zip", ".tables.zip"),
        ("survey", "application/json", ".survey.json"),
    ):
        answer = await hosts.bob.get(f"{path}&format={kind}")
        assert answer.status_code == 200
        assert media_type in answer.headers["content-type"]
        assert answer.headers["content-disposition"].endswith(suffix)
        assert "sandbox" in answer.headers.get_list("content-security-policy")
        for refused in (hosts.cy.get(f"{path}&format={kind}"), hosts.bob.get(f"{path}nowhere")):
            assert (await refused).status_code == 404
    book = await hosts.bob.post(f"{path}&lang=zh", json={"names": "Ann"})
    rated = load_workbook(io.BytesIO(book.content))["评价"]
    cells = [cell for cell in rated[2] if str(cell.value).startswith("=")]
    assert [(cell.value, cell.data_type) for cell in cells] == [("=[name] wrote it: [email]", "s")]
    preview = await hosts.bob.post(path.replace("?", "/preview?"), json={"names": "Ann"})
    counted = preview.json()
    assert (counted["ratings"], counted["votes"], counted["testers"]) == (1, 0, 0)
    assert (counted["masked"]["name"], counted["masked"]["email"]) == (1, 1)
    assert (await hosts.cy.post(path.replace("?", "/preview?"), json={})).status_code == 404
    assert (await hosts.bob.get(f"{path}&format=exe")).status_code == 422


async def test_a_campaign_s_page_offers_its_tables(hosts: Hosts) -> None:
    for language, words in (("en", "Workbook (XLSX)"), ("zh", "工作簿（XLSX）")):
        page = await hosts.bob.get("/campaigns/campaign", headers={"Accept-Language": language})
        (form,) = [part for part in page.text.split("<form ") if "/api/results/tables" in part]
        assert 'data-export="/api/results/tables"' in form
        assert 'data-query="?campaign=campaign"' in form
        assert words in form
        assert f'<option value="{language}" selected>' in form


async def test_a_campaign_s_page_shows_what_testers_answered_in_its_survey(hosts: Hosts) -> None:
    survey = (
        SurveyQuestion("how", QuestionKind.SCALE, "How was it?", "bad", "good"),
        SurveyQuestion("why", QuestionKind.TEXT, "Why?"),
        SurveyQuestion("else", QuestionKind.TEXT, "Anything else?"),
    )
    plan = Plan("Asked", Mode.SINGLE, (Variant("A"),), survey=survey)
    await hosts.store.feedback.campaigns.add(
        Campaign("asked", hosts.users["bob"].id, plan, START), JOINED
    )
    for number in range(40):
        text = "x" * 1_500 if number == 39 else f"{HOSTILE} {number:02}"
        row = ParticipantRow(
            campaign_id="asked",
            user_id=f"tester {number}",
            joined_at=START + timedelta(minutes=number),
            consented_at=START,
            survey={"how": 5 if number else 1, "why": text},
            survey_sent_at=START if number else None,
        )
        await add_rows(hosts.store, row)
    for language, words in (
        ("en", ("40 answers · mean 4.9 · 1 of them saved, but not sent", "Nobody has answered")),
        ("zh", ("40 个回答 · 平均 4.9 · 其中 1 个已保存但未提交", "还没有人回答")),
    ):
        page = await hosts.bob.get("/campaigns/asked", headers={"Accept-Language": language})
        assert all(text in page.text for text in words)
    page = await hosts.bob.get("/campaigns/asked")
    counts = re.findall(r'<td dir="auto">(\d ?\w*)</td><td>(\d+)</td>', page.text)
    assert counts == [("1 bad", "1"), ("2", "0"), ("3", "0"), ("4", "0"), ("5 good", "39")]
    assert "<img" not in page.text
    assert [f"{number:02}</div>" in page.text for number in (10, 11, 38)] == [False, True, True]
    assert f"{'x' * 1_000} …</div>" in page.text
    survey_file = "/api/results/tables?campaign=asked&format=survey"
    document = (await hosts.bob.get(survey_file)).json()
    assert [len(str(reply["value"])) for reply in document["answers"][-2:]] == [1, 1_500]
    assert len(document["answers"]) == document["manifest"]["answers"] == 80


async def test_a_campaign_without_a_survey_has_no_section_of_answers(hosts: Hosts) -> None:
    plan = Plan("Bare", Mode.SINGLE, (Variant("A"),))
    campaign = Campaign("bare", hosts.users["bob"].id, plan, START)
    await hosts.store.feedback.campaigns.add(campaign, JOINED)
    assert "Nobody has answered" not in (await hosts.bob.get("/campaigns/bare")).text
