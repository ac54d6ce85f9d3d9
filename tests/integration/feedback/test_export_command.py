"""`python app.py export …`: the same files as the page, and its error messages."""

import asyncio
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from api.edge.options import EdgeOptions
from api.server import build_api
from chat.accounts.models import LOCAL, AuditEntry
from chat.campaigns.models import Campaign, Mode, Plan, Variant
from chat.conversations.presets import Presets
from chat.feedback.models import RatingInput, Verdict
from commands import export
from store import RoutingStore, open_store
from tests.contract.stores import START
from tests.fakes import ScriptedEngine
from tests.hosting import StoreAccounts, hosting_of
from tests.house import client_of
from tests.rated import DOWN, UP, snapshot

Export = Callable[..., int]
RATING = RatingInput(Verdict.DOWN, ("too-long",), "Ask Ann, a@b.cn", "Better. 更好")


async def add_rated_answers(store: RoutingStore) -> None:
    for campaign_id, title in (("first", "One 一"), ("second", "Two"), ("third", "Two")):
        plan = Plan(title, Mode.SINGLE, (Variant("A"),))
        campaign = Campaign(campaign_id, LOCAL.id, plan, START)
        await store.feedback.campaigns.add(campaign, AuditEntry(START, "", "test"))
    for name, rating_input, more in (
        ("a", UP, {"campaign_id": "first"}),
        ("b", RATING, {"campaign_id": "first", "language": "zh"}),
        ("c", DOWN, {}),
    ):
        frozen = snapshot(name, owner_id=LOCAL.id, **more)
        await store.feedback.ratings.rate(frozen, LOCAL.id, rating_input, START)


async def from_page(folder: Path, address: str, body: Any = None) -> bytes:
    """What the page gives, or what is left of the store without an address."""
    store = open_store(folder)
    await store.open()
    if not address:
        await add_rated_answers(store)
    sign_in = StoreAccounts(store, sign_in_needed=False).sign_in
    app = build_api(
        engine=ScriptedEngine(),
        edge=EdgeOptions(),
        presets=Presets(store),
        sign_in=sign_in,
        hosting=hosting_of(store),
    )
    try:
        if not address:
            return b""
        async with client_of(app) as client:
            response = client.post(address, json=body) if body else client.get(address)
            return (await response).raise_for_status().content
    finally:
        await store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    asyncio.run(from_page(tmp_path, ""))
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    monkeypatch.chdir(folder)  # where no .env lies

    def run(*arguments: str) -> int:
        return export.main([*arguments, "--data-dir", str(folder)])

    return run


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("format=csv", ["--format", "csv"]),
        ("format=sft&redact=true", ["--format", "sft", "--redact"]),
        ("format=dpo&campaign=first", ["--format", "dpo", "--campaign", "One 一"]),
        (
            "format=json&verdict=down&language=zh&since=2026-01-01&corrected=1&reason=too-long",
            "--format json --verdict down --language zh --since 2026-01-01 --corrected "
            "--reason too-long",
        ),
    ],
)
def test_a_file_equals_that_of_the_page(
    run: Export, folder: Path, query: str, arguments: list[str] | str
) -> None:
    own = arguments.split() if isinstance(arguments, str) else arguments
    assert run(*own, "-o", "out") == 0
    page = asyncio.run(from_page(folder, f"/api/results/export?{query}"))
    assert Path("out").read_bytes() == page
    assert len(page) > 100


def test_names_are_masked_and_the_counts_are_printed(
    run: Export, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("names").write_text("Ann\n张伟\n", encoding="utf-8")
    assert run("--format", "csv", "--names", "names", "-o", "out") == 0
    assert capsys.readouterr().err == "3 lines. Masked: [email] 1, [name] 1.\n"
    page = asyncio.run(from_page(folder, "/api/results/export?format=csv", {"names": "Ann\n张伟"}))
    assert Path("out").read_bytes() == page
    assert "Ask [name], [email]" in page.decode()


def test_a_tilde_in_a_path_stands_for_the_home_folder(
    run: Export, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    (folder / "names").write_text("Ann\n", encoding="utf-8")
    assert run("--format", "csv", "--names=~/names", "--output=~/out") == 0
    assert b"[name]" in (folder / "out").read_bytes()


def test_the_file_goes_to_standard_output_without_a_name(
    run: Export, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run("--format", "sft", "--campaign", "first") == 0
    output = capfdbinary.readouterr()
    assert output.out.count(b"\n") == 2
    assert b"2 lines." in output.err


def test_a_report_equals_that_of_the_page(run: Export, folder: Path) -> None:
    assert run("--format", "report", "--campaign", "first", "--language", "zh", "-o", "out") == 0
    address = "/api/results/report?campaign=first&lang=zh"
    page = asyncio.run(from_page(folder, address)).decode().splitlines()
    written = Path("out").read_text(encoding="utf-8").splitlines()
    # One line has the minute in which it was made.
    assert len(set(written) ^ set(page)) <= 2
    assert "<h2>最差的五个回答</h2>" in "".join(written)


def test_a_report_is_masked_as_on_the_page_with_counts(
    run: Export, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("names").write_text("Ann\n", encoding="utf-8")
    assert run("--format", "report", "--campaign", "first", "--names", "names", "-o", "out") == 0
    summary = "[email] 1, [name] 1."
    assert capsys.readouterr().err == f"Done. Masked: {summary}\n"
    address = "/api/results/report?campaign=first"
    page = asyncio.run(from_page(folder, address, {"names": "Ann"})).decode().splitlines()
    written = Path("out").read_text(encoding="utf-8").splitlines()
    assert len(set(written) ^ set(page)) <= 2
    assert summary in "".join(written)


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ("--format report", "name it with --campaign"),
        ("--format csv --campaign Three", "no campaign named Three. There are:\n  first  One 一\n"),
        ("--format csv --campaign Two", "Several campaigns are named Two."),
        ("--format csv --assignee Bob", "There is nobody named Bob."),
        ("--format csv --names nowhere", "No such file or directory"),
        ("--format csv --names many", "At most 2,000 names can be masked; these are 2,001."),
        ("--format csv --names long", "Line 2 of the names has more than 100 characters."),
        ("--format csv --names binary", "is not text in UTF-8"),
        ("--format csv --data-dirr x", "data"),
        (
            "--format dpo --verdict up",
            "nothing to export in this format. Left out: 1 without a correction and without",
        ),
        ("--format sft --since 2100-01-01", "Nothing that it takes matches the filter."),
    ],
)
def test_an_impossible_export_is_explained_and_leaves_no_file(
    run: Export, capsys: pytest.CaptureFixture[str], arguments: str, output: str
) -> None:
    Path("many").write_text("\n".join(map(str, range(10, 2011))), encoding="utf-8")
    Path("long").write_text(f"Ann\n{'x' * 101}", encoding="utf-8")
    Path("binary").write_bytes(b"Ann\n\xff\xfe")
    assert run(*arguments.split(), "-o", "out") == 1
    assert output in capsys.readouterr().err
    assert not list(Path().glob("out*"))


def test_an_invalid_day_is_refused_with_an_example(
    run: Export, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("--format", "csv", "--since", "2026-13-01")
    output = capsys.readouterr().err
    assert "--since: 2026-13-01 is no day. A day is written as 2026-11-22." in output


def test_a_list_of_names_from_a_windows_editor_is_masked_from_its_first_line(
    run: Export, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("names").write_bytes("\ufeffAnn\r\n张伟\r\n".encode())
    assert run("--format", "csv", "--names", "names", "-o", "out") == 0
    assert "[name] 1" in capsys.readouterr().err


def test_an_incomplete_file_is_removed(run: Export, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    assert run("--format", "csv", "-o", "out") == 1
    assert "directory" in capsys.readouterr().err
    assert not Path("out.part").exists()


def test_a_campaign_s_tables_are_written_with_their_counts(
    run: Export, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--format", "xlsx", "--campaign", "first", "--language", "zh", "-o", "out.xlsx") == 0
    book = load_workbook("out.xlsx")
    assert book.sheetnames[:2] == ["说明", "测试者"]
    assert [row[0].value for row in book["评价"].iter_rows()] == ["测试者", "local", "local"]
    assert "Rows: testers 0, tasks 0, ratings 2, votes 0" in capsys.readouterr().err
    assert run("--format", "tables", "--campaign", "first", "--redact", "-o", "out.zip") == 0
    assert b"a@b.cn" not in zipfile.ZipFile("out.zip").read("ratings.csv")
    assert "Masked: [email] 1." in capsys.readouterr().err
    assert run("--format", "survey", "--campaign", "first", "-o", "out.json") == 0
    assert json.loads(Path("out.json").read_bytes())["schema"] == "qwen-chat/survey/1"
    for kind in ("xlsx", "tables", "survey"):
        assert run("--format", kind, "-o", "none") == 1
        assert "of one campaign: name it with --campaign" in capsys.readouterr().err
    assert not Path("none").exists()
