"""Sign-ins with an OpenID provider that have begun: each comes back once, in time."""

from dataclasses import replace

import pytest

from api.accounts.oidc_routes import LIFETIME_S, PendingSignIns
from chat.accounts.errors import ProviderRefused
from chat.accounts.sso import PendingSignIn
from tests.house import Clock

BEGUN = PendingSignIn(
    "https://id.example/authorize", "state", "nonce", "verifier", "https://here/return"
)
KEPT = replace(BEGUN, url="")


def test_a_pending_sign_in_can_be_completed_once() -> None:
    pending = PendingSignIns()
    key = pending.keep(KEPT, "/people")
    assert pending.take(key) == (KEPT, "/people")
    for unknown in (key, "made up", "", None):
        with pytest.raises(ProviderRefused):
            pending.take(unknown)


def test_a_pending_sign_in_expires_after_ten_minutes_regardless_of_the_cookie() -> None:
    clock = Clock()
    pending = PendingSignIns(clock.timer)
    early, late = pending.keep(BEGUN, "/"), pending.keep(BEGUN, "/")
    clock.advance(seconds=LIFETIME_S - 1)
    assert pending.take(early) == (KEPT, "/")
    clock.advance(seconds=1)
    with pytest.raises(ProviderRefused):
        pending.take(late)


def test_a_pending_sign_in_outlasts_any_number_of_others() -> None:
    pending = PendingSignIns()
    first, *_ = [pending.keep(BEGUN, "/") for _ in range(1_001)]
    assert pending.take(first) == (KEPT, "/")


def test_a_forged_or_changed_cookie_is_rejected() -> None:
    pending = PendingSignIns()
    text, _, signature = pending.keep(BEGUN, "/").partition(".")
    another = PendingSignIns().keep(BEGUN, "/")
    for forged in (another, f"{text}x.{signature}", text, f".{signature}", f"{text}.", "é.é"):
        with pytest.raises(ProviderRefused):
            pending.take(forged)
