"""Users, guest links and keys from the command line, also beside a running server."""

import asyncio
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import commands
from auth.passwords import Argon2Hasher
from chat.accounts.errors import BadKey
from chat.accounts.service import Accounts
from store import open_store

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on a data folder of its own: exit code, output, complaints."""

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = commands.main([*arguments, "--data-dir", str(tmp_path), "--port", "7861"])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def add(run: Run, name: str, *more: str) -> tuple[int, str, str]:
    return run("user", "add", name, *more, typed="a good password\n")


def test_the_first_account_becomes_an_administrator(run: Run, tmp_path: Path) -> None:
    (tmp_path / "setup-link").write_text("old")
    assert add(run, "ann") == (0, "ann can sign in now (admin).\n", "")
    assert not (tmp_path / "setup-link").exists()
    assert add(run, "bob")[1] == "bob can sign in now (member).\n"
    assert add(run, "carol", "--admin")[1] == "carol can sign in now (admin).\n"
    assert run("user", "list")[1] == "admin\t\tann\nmember\t\tbob\nadmin\t\tcarol\n"


def test_a_disabled_user_is_marked_until_enabled(run: Run) -> None:
    add(run, "ann")
    add(run, "Bob")
    assert run("user", "disable", "bob")[0] == 0
    assert "member\tdisabled\tBob" in run("user", "list")[1]
    assert run("user", "enable", "BOB")[0] == 0
    assert "disabled" not in run("user", "list")[1]


def test_a_user_becomes_an_administrator(run: Run) -> None:
    add(run, "ann")
    add(run, "bob")
    assert run("user", "rank", "bob", "admin")[1] == "bob is admin now.\n"
    assert "admin\t\tbob" in run("user", "list")[1]


def test_a_reset_prints_a_link(run: Run) -> None:
    add(run, "ann")
    _, output, _ = run("user", "reset", "ann", "--root-path", "/chat")
    assert "http://127.0.0.1:7861/chat/welcome#" in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("user", "disable", "nobody"), "nobody named nobody"),
        (("user", "disable", "ann"), "no administrator"),
        (("user", "add", "ANN"), "Somebody else has that name"),
        (("user", "list", "--prot", "1"), "--port"),
        (("guest-link", "revoke", "x"), "no guest link x"),
        (("key", "revoke", "x"), "no key x"),
        (("key", "new", "x", "--user", "nobody"), "nobody named nobody"),
        (("key", "new", "x", "--expires", "9999"), "days has to be from 1 to 3650"),
    ],
)
def test_an_impossible_command_prints_one_sentence(
    run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    add(run, "ann")
    code, output, error = run(*arguments, typed="a good password\n")
    assert (code, output) == (1, "")
    assert sentence in error
    assert error.count("\n") == 1


def test_a_guest_link_needs_an_existing_owner(run: Run) -> None:
    assert "user add" in run("guest-link", "new", "open day")[2]


def test_a_guest_link_is_created_listed_and_revoked(run: Run) -> None:
    add(run, "ann")
    _, output, _ = run("guest-link", "new", "open day", "--guests", "3", "--days", "1")
    assert "http://127.0.0.1:7861/guest#" in output
    listed = run("guest-link", "list")[1]
    assert "0/3 guests" in listed
    assert listed.endswith("open day\n")
    link_id = listed.split()[0]
    assert "0/9 guests" in run("guest-link", "extend", link_id, "--guests", "9")[1]
    assert run("guest-link", "revoke", link_id)[0] == 0
    assert "no guest link" in run("guest-link", "extend", link_id)[2]
    assert "revoked" in run("guest-link", "list")[1]


def new_key(run: Run, *more: str) -> str:
    code, output, _ = run("key", "new", "nightly script", *more)
    assert code == 0
    return output.splitlines()[-1]


def test_without_accounts_the_command_explains_that_any_key_works(run: Run) -> None:
    code, output, error = run("key", "new", "script")
    assert (code, output) == (1, "")
    assert "any is accepted" in error


def test_a_key_is_created_for_a_user_listed_and_revoked(run: Run) -> None:
    add(run, "ann")
    add(run, "bob")
    limits = ("--requests-per-minute", "5", "--tokens-per-day", "1000")
    secret = new_key(run, "--user", "BOB", "--expires", "90d", *limits)
    assert re.fullmatch(r"sk-[\w-]{43}", secret)
    metrics = new_key(run, "--scope", "api,metrics")
    listed = run("key", "list")[1]
    assert secret not in listed
    anns, bobs = (line.split("\t") for line in listed.splitlines())
    assert anns[1:] == ["good", f"{metrics[:8]}…", "ann", "api,metrics", "nightly script"]
    assert bobs[2:] == [f"{secret[:8]}…", "bob", "api", "nightly script"]
    assert bobs[1].startswith("until ")
    assert run("key", "revoke", bobs[0])[0] == 0
    assert f"{bobs[0]}\trevoked" in run("key", "list")[1]


def test_metrics_keys_are_for_administrators(run: Run) -> None:
    add(run, "ann")
    add(run, "bob")
    code, _, error = run("key", "new", "x", "--user", "bob", "--scope", "metrics")
    assert code == 1
    assert "not for this" in error


@pytest.mark.parametrize("flags", [("--expires", "soon"), ("--scope", "all")])
def test_an_invalid_flag_is_explained(
    run: Run, flags: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("key", "new", "x", *flags)
    assert flags[0] in capsys.readouterr().err


@pytest.mark.parametrize("thing", ["user", "guest-link", "key"])
def test_help_is_printed(thing: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        commands.main([thing, "--help"])
    assert "list" in capsys.readouterr().out


def test_a_command_takes_effect_in_a_running_server(run: Run, tmp_path: Path) -> None:
    async def serve() -> None:
        store = open_store(tmp_path)
        await store.open()
        hasher = Argon2Hasher()
        accounts = Accounts(store.accounts, hasher)
        assert (await asyncio.to_thread(add, run, "ann"))[0] == 0
        assert (await asyncio.to_thread(add, run, "bob"))[0] == 0
        token = await accounts.passwords.sign_in("bob", "a good password", address="", device="")
        assert await accounts.sessions.find(token)
        key = await asyncio.to_thread(new_key, run, "--user", "bob")
        assert (await accounts.keys.principal(key, address="")).user.name == "bob"
        assert (await asyncio.to_thread(run, "user", "disable", "bob"))[0] == 0
        with pytest.raises(BadKey):
            await accounts.keys.principal(key, address="")
        async with asyncio.timeout(5):
            while await accounts.sessions.find(token):  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.1)
        await store.close()
        hasher.close()

    asyncio.run(serve())
