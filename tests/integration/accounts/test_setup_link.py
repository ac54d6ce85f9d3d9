"""The first start: access before the first account, and the output of the set-up link."""

import logging
import stat
import sys
from pathlib import Path

import pytest

from api.ops.setup_link import SetupLink, base_addresses
from app import build_sign_in
from chat.accounts.models import AccountRole, Action, AuditEntry, User, utc_now
from chat.errors import StartupError
from config import Settings, read_settings
from tests.memory_users import MemoryUsers


def settings(*arguments: str) -> Settings:
    return read_settings(arguments, {}, Path("no-such.env"))


OPEN = settings("--host", "0.0.0.0", "--root-path", "/chat")


def link_in(folder: Path) -> SetupLink:
    return SetupLink(folder, base_addresses(OPEN, port=7860, machine_name="box"))


async def with_users() -> MemoryUsers:
    users = MemoryUsers()
    ann = User("1", "ann", AccountRole.ADMIN, utc_now())
    await users.add_user(ann, None, AuditEntry(utc_now(), "", Action.JOIN))
    return users


async def test_on_an_open_host_the_first_start_writes_a_link_readable_by_the_owner_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    sign_in = await build_sign_in(OPEN, MemoryUsers(), link_in(tmp_path))
    file = tmp_path / "setup-link"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first, second = file.read_text(encoding="utf-8").splitlines()
    assert first.startswith("http://box:7860/chat/welcome#")
    assert second.startswith("http://localhost:7860/chat/welcome#")
    token = first.partition("#")[2]
    output = capsys.readouterr()
    assert str(file) in caplog.text
    assert token not in caplog.text + output.err + output.out
    assert await sign_in.authenticator.authenticate(None) is None

    await sign_in.context.accounts.one_time_links.accept(
        token, name="ann", password="long enough", address="", device=""
    )
    sign_in.context.on_first_account()
    assert not file.exists()


async def test_on_a_terminal_the_link_is_printed_and_not_stored(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    await build_sign_in(OPEN, MemoryUsers(), link_in(tmp_path))
    assert "http://box:7860/chat/welcome#" in capsys.readouterr().err
    assert "welcome" not in caplog.text
    assert not (tmp_path / "setup-link").exists()


async def test_each_start_replaces_the_previous_link(tmp_path: Path) -> None:
    users = MemoryUsers()
    await build_sign_in(OPEN, users, link_in(tmp_path))
    old = (tmp_path / "setup-link").read_text(encoding="utf-8")
    sign_in = await build_sign_in(OPEN, users, link_in(tmp_path))
    assert old != (tmp_path / "setup-link").read_text(encoding="utf-8")
    with pytest.raises(Exception, match="no such"):
        await sign_in.context.accounts.one_time_links.check(old.splitlines()[0].partition("#")[2])


async def test_on_loopback_no_sign_in_is_needed_until_there_are_users(tmp_path: Path) -> None:
    local = settings()
    sign_in = await build_sign_in(local, MemoryUsers(), link_in(tmp_path))
    assert await sign_in.authenticator.authenticate(None)
    assert not (tmp_path / "setup-link").exists()
    sign_in = await build_sign_in(local, await with_users(), link_in(tmp_path))
    assert await sign_in.authenticator.authenticate(None) is None


async def test_open_access_is_refused_once_there_are_accounts(tmp_path: Path) -> None:
    wide = settings("--host", "0.0.0.0", "--insecure-open")
    sign_in = await build_sign_in(wide, MemoryUsers(), link_in(tmp_path))
    assert await sign_in.authenticator.authenticate(None)
    with pytest.raises(StartupError, match="without --insecure-open"):
        await build_sign_in(wide, await with_users(), link_in(tmp_path))


async def test_an_old_set_up_link_is_removed_when_there_are_users(tmp_path: Path) -> None:
    link = link_in(tmp_path)
    link.write("old")
    await build_sign_in(OPEN, await with_users(), link)
    assert not (tmp_path / "setup-link").exists()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.168.1.5", "http://192.168.1.5:1/chat"),
        ("2001:db8::1", "http://[2001:db8::1]:1/chat"),
        ("chat.example", "http://chat.example:1/chat"),
        ("::", "http://box:1/chat"),
    ],
)
def test_the_link_names_an_address_that_a_browser_can_open(host: str, address: str) -> None:
    at_host = settings("--host", host, "--root-path", "/chat")
    assert base_addresses(at_host, port=1, machine_name="box")[0] == address


def test_a_public_address_comes_first_and_gets_the_root_path_where_it_has_no_path() -> None:
    flags = ["--host", "0.0.0.0", "--root-path", "/chat", "--public-url"]
    for given, first in (
        ("https://chat.example/", "https://chat.example/chat"),
        ("https://chat.example/talk/", "https://chat.example/talk"),
    ):
        addresses = base_addresses(settings(*flags, given), port=1, machine_name="box")
        assert addresses == [first, "http://box:1/chat", "http://localhost:1/chat"]
