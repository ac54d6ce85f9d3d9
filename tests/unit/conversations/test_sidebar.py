"""The HTML of the sidebar, without a browser."""

from datetime import UTC, datetime, timedelta

import pytest

from chat.accounts.models import LOCAL, AccountRole, User
from chat.conversations.models import Conversation, Excerpt, SearchHit
from chat.models import ChatOptions
from i18n import Language
from ui import overlays, sidebar

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def conversation(title: str, age: timedelta = timedelta(), *, pinned: bool = False) -> Conversation:
    moment = NOW - age
    return Conversation(
        f"id-{len(title)}", "local", title, ChatOptions(), None, moment, moment, pinned
    )


def in_order(markup: str, *words: str) -> bool:
    places = [markup.index(word) for word in words]
    return places == sorted(places)


def test_the_list_groups_by_pin_and_age_and_marks_the_live_one() -> None:
    items = [
        conversation("kept", timedelta(days=90), pinned=True),
        conversation("newer", timedelta(minutes=1)),
        conversation("a week", timedelta(days=3)),
        conversation("<ancient>", timedelta(days=30)),
    ]
    markup = sidebar.conversation_list(items, live={"id-5"}, now=NOW, language=Language.EN)
    assert in_order(
        markup, "Pinned", "kept", "Today", "newer", "Last 7 days", "a week", "Older", "&lt;ancient"
    )
    assert markup.count("being answered") == 1
    assert "Show more" not in markup


def test_an_empty_list_explains_its_purpose() -> None:
    markup = sidebar.conversation_list([], live=(), now=NOW, language=Language.ZH)
    assert "您的对话会列在这里。" in markup


@pytest.mark.parametrize(
    ("excerpt", "markup"),
    [
        (Excerpt("今天天气", ((2, 4),)), "今天<mark>天气</mark>"),
        (Excerpt("a<b>c", ((1, 4),)), "a<mark>&lt;b&gt;</mark>c"),
        (Excerpt("<i>&x", ((0, 1), (3, 4))), "<mark>&lt;</mark>i&gt;<mark>&amp;</mark>x"),
        (Excerpt('"', ()), "&#34;"),
    ],
)
def test_search_marks_are_placed_on_escaped_text(excerpt: Excerpt, markup: str) -> None:
    assert sidebar.marked(excerpt) == markup


@pytest.mark.parametrize(
    ("count", "more", "text"),
    [(0, False, "Nothing found."), (1, False, "1 chat found"), (2, True, "2+ chats found")],
)
def test_a_search_shows_its_number_of_hits(count: int, more: bool, text: str) -> None:
    hits = [SearchHit(conversation("x" * n), Excerpt("x"), "m", Excerpt("y")) for n in range(count)]
    assert text in sidebar.results(hits, Language.EN, more=more)


def test_a_search_hit_links_to_its_message() -> None:
    hit = SearchHit(conversation("t"), Excerpt("t"), "m-7", Excerpt("text"))
    assert 'href="#id-1"' in sidebar.results([hit], Language.EN)
    assert 'data-message="m-7"' in sidebar.results([hit], Language.EN)


@pytest.mark.parametrize("title", ["<img src=x>", '" onclick="x', "{0} {name}", "\u202e\u05d0"])
def test_a_title_is_plain_text_everywhere(title: str) -> None:
    text = [
        sidebar.conversation_list([conversation(title)], live=(), now=NOW, language=Language.EN),
        sidebar.deleted("c", title, Language.EN, was_open=True),
        sidebar.renamed_meanwhile("c", title=title, theirs=title, language=Language.EN),
    ]
    for markup in text:
        assert "<img" not in markup
        assert '" onclick' not in markup
        assert "<bdi>" in markup or 'dir="auto"' in markup


@pytest.mark.parametrize("language", Language)
def test_each_shortcut_in_the_help_has_a_text(language: Language) -> None:
    markup = overlays.overlays(LOCAL, language)
    assert markup.count("<tr>") == len(overlays.KEYS)
    assert markup.count('data-format="') == 2 * len(overlays.FORMATS)


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        (AccountRole.GUEST, ["account"]),
        (AccountRole.MEMBER, ["account", "guests"]),
        (AccountRole.ADMIN, ["account", "guests", "people"]),
    ],
)
def test_a_users_menu_has_the_pages_of_their_role(role: AccountRole, pages: list[str]) -> None:
    user = User("1", "<b>ann", role, NOW)
    markup = overlays.overlays(user, Language.EN)
    every = ["account", "guests", "people"]
    assert [page for page in every if f'href="{page}"' in markup] == pages
    # A guest is warned on the page of the account before signing out.
    assert ('data-do="sign-out"' in markup) is (role is not AccountRole.GUEST)
    assert markup.count('href="account"') == (2 if role is AccountRole.GUEST else 1)
    assert "&lt;b&gt;ann" in sidebar.account(user, Language.EN)


def test_the_local_user_cannot_sign_out() -> None:
    markup = overlays.overlays(LOCAL, Language.EN)
    assert "sign-out" not in markup
    assert 'href="account"' not in markup
    assert "Local user" in sidebar.account(LOCAL, Language.EN)
