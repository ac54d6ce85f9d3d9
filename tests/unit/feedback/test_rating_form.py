"""The thumbs under an answer and the form: what they show, and that nothing in them is markup."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markupsafe import Markup

from chat.conversations.models import Message, Origin
from chat.feedback.models import REASONS, Ratable, Rating, RatingInput, Verdict
from chat.models import Role, Status
from i18n import Language
from tests.contract.stores import START
from ui import rating
from ui.render import answer

ANSWER = Message("m", "c", "q", Role.ASSISTANT, "Lyon", Status.DONE, START)
HOSTILE = '</textarea><script>alert(1)</script>"><img src=x onerror=alert(1)>'


class Tags(HTMLParser):
    """The elements of a markup, each with its attributes; and the text of its fields."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(str(markup))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def rated(*fields: object, version: int = 1) -> Rating:
    return Rating("e", "ann", version, RatingInput(*fields), START)  # type: ignore[arg-type]


def form(ratable: Ratable, language: Language = Language.EN, chosen: str = "") -> Tags:
    return Tags(rating.form(("c", "m"), ratable, language, key="rating 1", chosen=chosen))


@pytest.mark.parametrize(
    "message",
    [
        replace(ANSWER, role=Role.USER),
        replace(ANSWER, origin=Origin.EDITED),
        replace(ANSWER, origin=Origin.IMPORTED),
        replace(ANSWER, status=Status.STREAMING),
        replace(ANSWER, content="", status=Status.PENDING),
        replace(ANSWER, content="", status=Status.DONE),
        replace(ANSWER, content="", status=Status.INTERRUPTED),
        replace(ANSWER, content="", status=Status.STOPPED, origin=Origin.IMPORTED),
    ],
    ids=["question", "edited", "imported", "open", "pending", "empty", "interrupted", "brought"],
)
def test_an_unratable_message_has_no_thumbs(message: Message) -> None:
    assert rating.thumbs(message, {}, Language.EN) == ""
    assert rating.thumbs(ANSWER, None, Language.EN) == ""


@pytest.mark.parametrize("status", [Status.DONE, Status.STOPPED, Status.INTERRUPTED, Status.ERROR])
def test_an_answer_with_text_has_thumbs_regardless_of_its_end(status: Status) -> None:
    thumbs = Tags(rating.thumbs(replace(ANSWER, status=status), {}, Language.EN))
    assert [button["aria-pressed"] for button in thumbs.of("button")] == ["false", "false"]


@pytest.mark.parametrize("status", [Status.STOPPED, Status.ERROR])
def test_an_answer_that_never_started_has_thumbs_and_a_form(status: Status) -> None:
    """An answer stopped before its first token can be rated as slow."""
    empty = replace(ANSWER, content="", status=status)
    below = answer(empty, ["m"], Language.EN, ratings={})
    assert "rate-down" in str(below)
    fields = form(Ratable("", REASONS), chosen="down")
    assert {"name": "correction"}.items() <= dict(fields.of("textarea")[1]).items()


def test_the_chosen_thumb_is_pressed_and_opens_the_form() -> None:
    for stored_rating, more in (
        (rated(Verdict.DOWN), "Add a comment"),
        (rated(Verdict.DOWN, ("slow",)), "Your rating"),
        (rated(Verdict.DOWN, (), "", "Paris"), "Your rating"),
    ):
        thumbs = Tags(rating.thumbs(ANSWER, {"m": stored_rating}, Language.EN))
        pressed = [button.get("aria-pressed") for button in thumbs.of("button")]
        assert pressed == ["false", "true", None]
        assert thumbs.text == more
    withdrawn = Tags(rating.thumbs(ANSWER, {"m": rated(version=2)}, Language.EN))
    assert len(withdrawn.of("button")) == 2


def test_a_form_starts_with_the_current_rating() -> None:
    stored_rating = rated(Verdict.DOWN, ("slow", "dull"), "why?", "\nParis", version=3)
    fields = form(Ratable("Lyon", ("slow", "other"), stored_rating))
    boxes = {box["value"]: "checked" in box for box in fields.of("input")}
    assert boxes == {"up": False, "down": True, "slow": True, "other": False, "dull": True}
    assert "why?" in fields.text
    assert "\n\nParis" in fields.text  # HTML drops the first of them
    assert "Version 3" in fields.text
    assert "data-corrected" in dict(fields.of("form")[1])
    assert "Withdraw" in fields.text


def test_a_form_without_a_rating_begins_with_the_thumb_that_led_to_it() -> None:
    fields = form(Ratable("Lyon", REASONS), chosen="down")
    chosen = [box["value"] for box in fields.of("input") if "checked" in box]
    assert chosen == ["down"]
    assert "Lyon" in fields.text
    assert "Withdraw" not in fields.text
    assert "data-corrected" not in dict(fields.of("form")[1])


@pytest.mark.parametrize("language", Language)
def test_user_input_never_becomes_markup(language: Language) -> None:
    stored_rating = rated(Verdict.UP, (HOSTILE,), HOSTILE, HOSTILE)
    found = form(Ratable(HOSTILE, (HOSTILE,), stored_rating), language)
    assert not found.of("script")
    assert not found.of("img")
    assert found.text.count(HOSTILE) == 3
    hostile = Tags(rating.thumbs(replace(ANSWER, id=HOSTILE), {}, language))
    assert not hostile.of("script")
    assert hostile.of("span")[0]["data-rating"] == HOSTILE
    for drawn in (rating.refused(HOSTILE, HOSTILE), rating.outcome(HOSTILE, Markup(), language)):
        assert not Tags(drawn).of("script")
