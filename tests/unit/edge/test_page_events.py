"""Tabs, events and streams of the page have bounds per user, per address and in total."""

from dataclasses import replace

import pytest

from api.edge.options import MIB
from api.edge.page_events import PageBounds, PageEvents
from chat.accounts.errors import TooManyRequests
from chat.accounts.models import LOCAL_USER

SMALL = PageBounds(
    tabs_of_user=2,
    tabs_of_address=3,
    tabs=4,
    open_of_user=2,
    open_of_address=3,
    minute_of_user=2,
    minute_of_address=3,
    unread_of_tab=2,
)


class Page:
    """A page that records the tabs it had to drop."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waiting = 0
        self.forgotten: list[str] = []
        self.events = PageEvents(SMALL, clock=lambda: self.seconds)
        self.events.forget = self.forgotten.append
        self.events.unread = lambda session_hash: self.waiting


def test_a_persons_tab_that_was_used_least_recently_is_forgotten_for_a_new_one() -> None:
    page = Page()
    for tab in ("a", "b", "a", "c"):
        page.events.use(tab, "ann", "10.0.0.1")
    assert page.forgotten == ["b"]
    page.events.use("b", "ann", "10.0.0.2")
    assert page.forgotten == ["b", "a"]


def test_many_persons_at_one_address_have_a_bound_together() -> None:
    page = Page()
    for number in range(5):
        page.events.use(f"tab {number}", f"guest {number}", "10.0.0.1")
    assert page.forgotten == ["tab 0", "tab 1"]


def test_all_tabs_together_have_a_bound() -> None:
    page = Page()
    for number in range(6):
        page.events.use(f"tab {number}", f"person {number}", f"10.0.0.{number}")
    assert page.forgotten == ["tab 0", "tab 1"]


def test_what_is_kept_of_a_persons_tabs_has_a_sum() -> None:
    page = Page()
    page.events = PageEvents(replace(PageBounds(), kept_of_user=3 * MIB))
    page.events.forget = page.forgotten.append
    page.events.use("a", "ann", "x", size=MIB)
    for _ in range(100):  # small events add nothing
        page.events.use("b", "ann", "x", size=1_000)
    page.events.use("c", "bob", "x", size=2 * MIB)
    assert page.forgotten == []
    page.events.use("b", "ann", "x", size=2 * MIB)
    assert page.forgotten == ["a"]


def test_a_tab_that_fetches_nothing_is_asked_to_wait_and_stays() -> None:
    page = Page()
    page.events.use("a", "ann", "10.0.0.1")
    page.waiting = 2
    with pytest.raises(TooManyRequests):
        page.events.use("a", "ann", "10.0.0.1")
    assert page.forgotten == []


def test_open_requests_are_bounded_by_user_and_by_address() -> None:
    events = Page().events
    with events.admitted("ann", "x"), events.admitted("ann", "y"):
        with pytest.raises(TooManyRequests), events.admitted("ann", "z"):
            pass
        others = events.admitted("bob", "x"), events.admitted("cid", "x")
        with others[0], others[1], pytest.raises(TooManyRequests), events.admitted("dan", "x"):
            pass
    with events.admitted("ann", "x"), events.admitted("ann", "x"):
        pass


def test_events_of_a_minute_are_bounded_and_the_error_has_a_retry_time() -> None:
    page = Page()
    page.seconds = 45
    for _ in range(2):
        page.events.count("ann", "x")
    with pytest.raises(TooManyRequests) as refused:
        page.events.count("ann", "y")
    assert refused.value.values["retry_after_s"] == 15
    page.events.count("bob", "x")
    with pytest.raises(TooManyRequests):
        page.events.count("cid", "x")
    page.seconds = 60
    page.events.count("ann", "x")


def test_without_accounts_the_bounds_of_one_user_do_not_bind_all() -> None:
    page = Page()
    for tab in ("a", "b", "c"):
        page.events.use(tab, LOCAL_USER, "10.0.0.1")
        page.events.count(LOCAL_USER, "10.0.0.1")
    page.events.use("d", LOCAL_USER, "10.0.0.2")
    page.events.count(LOCAL_USER, "10.0.0.2")
    assert page.forgotten == []
    with pytest.raises(TooManyRequests):
        page.events.count(LOCAL_USER, "10.0.0.1")
