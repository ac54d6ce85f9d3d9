"""Sign-ins with an OpenID provider that have begun: each comes back once, in time."""

import pytest

from api.accounts.oidc_routes import LIFETIME_S, MAX_PENDING, PendingSignIns
from chat.accounts.errors import ProviderRefused
from chat.accounts.sso import PendingSignIn
from tests.house import Clock

BEGUN = PendingSignIn(
    "https://id.example/authorize", "state", "nonce", "verifier", "https://here/return"
)


def test_a_pending_sign_in_can_be_completed_once() -> None:
    pending = PendingSignIns()
    key = pending.keep(BEGUN, "/people")
    assert pending.take(key) == (BEGUN, "/people")
    for unknown in (key, "made up", "", None):
        with pytest.raises(ProviderRefused):
            pending.take(unknown)


def test_a_pending_sign_in_expires_after_ten_minutes_regardless_of_the_cookie() -> None:
    clock = Clock()
    pending = PendingSignIns(clock.timer)
    early, late = pending.keep(BEGUN, "/"), pending.keep(BEGUN, "/")
    clock.advance(seconds=LIFETIME_S - 1)
    assert pending.take(early) == (BEGUN, "/")
    clock.advance(seconds=1)
    with pytest.raises(ProviderRefused):
        pending.take(late)


def test_the_oldest_pending_sign_in_is_dropped() -> None:
    pending = PendingSignIns()
    keys = [pending.keep(BEGUN, "/") for _ in range(MAX_PENDING + 1)]
    assert pending.take(keys[1])
    with pytest.raises(ProviderRefused):
        pending.take(keys[0])
