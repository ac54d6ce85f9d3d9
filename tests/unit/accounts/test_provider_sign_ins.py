"""Sign-ins with an OpenID provider that have begun: each comes back once, in time."""

import pytest

from api.accounts.oidc_routes import LASTS_S, MOST_UNDER_WAY, UnderWay
from chat.accounts.errors import ProviderRefused
from chat.accounts.sso import PendingSignIn
from tests.house import Clock

BEGUN = PendingSignIn(
    "https://id.example/authorize", "state", "nonce", "verifier", "https://here/return"
)


def test_a_pending_sign_in_can_be_completed_once() -> None:
    under_way = UnderWay()
    key = under_way.keep(BEGUN, "/people")
    assert under_way.take(key) == (BEGUN, "/people")
    for unknown in (key, "made up", "", None):
        with pytest.raises(ProviderRefused):
            under_way.take(unknown)


def test_a_pending_sign_in_expires_after_ten_minutes_regardless_of_the_cookie() -> None:
    clock = Clock()
    under_way = UnderWay(clock.timer)
    early, late = under_way.keep(BEGUN, "/"), under_way.keep(BEGUN, "/")
    clock.advance(seconds=LASTS_S - 1)
    assert under_way.take(early) == (BEGUN, "/")
    clock.advance(seconds=1)
    with pytest.raises(ProviderRefused):
        under_way.take(late)


def test_the_oldest_pending_sign_in_is_dropped() -> None:
    under_way = UnderWay()
    keys = [under_way.keep(BEGUN, "/") for _ in range(MOST_UNDER_WAY + 1)]
    assert under_way.take(keys[1])
    with pytest.raises(ProviderRefused):
        under_way.take(keys[0])
