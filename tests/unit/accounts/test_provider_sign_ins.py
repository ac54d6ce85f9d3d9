"""Sign-ins with an OpenID provider that have begun: each comes back once, in time."""

import pytest

from api.accounts.oidc_routes import LIFETIME_S, MAX_PENDING, PendingSignIns
from chat.accounts.errors import ProviderRefused
from chat.accounts.sso import PendingSignIn
from tests.house import Clock

BEGUN = PendingSignIn(
    "https://id.example/authorize", "state", "nonce", "verifier", "https://here/return"
)


def test_a_sign_in_comes_back_once() -> None:
    pending = PendingSignIns()
    key = pending.keep(BEGUN, "/people")
    assert pending.take(key) == (BEGUN, "/people")
    for unknown in (key, "made up", "", None):
        with pytest.raises(ProviderRefused):
            pending.take(unknown)


def test_a_sign_in_lasts_ten_minutes_whatever_the_browser_does_with_its_cookie() -> None:
    clock = Clock()
    pending = PendingSignIns(clock.timer)
    early, late = pending.keep(BEGUN, "/"), pending.keep(BEGUN, "/")
    clock.pass_by(seconds=LIFETIME_S - 1)
    assert pending.take(early) == (BEGUN, "/")
    clock.pass_by(seconds=1)
    with pytest.raises(ProviderRefused):
        pending.take(late)


def test_the_oldest_sign_in_gives_way() -> None:
    pending = PendingSignIns()
    keys = [pending.keep(BEGUN, "/") for _ in range(MAX_PENDING + 1)]
    assert pending.take(keys[1])
    with pytest.raises(ProviderRefused):
        pending.take(keys[0])
