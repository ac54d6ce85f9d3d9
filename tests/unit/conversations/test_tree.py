"""The shape of a conversation: paths, versions, branches, and what stays when something goes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.conversations.models import Message
from chat.conversations.tree import Tree
from chat.errors import NotFound
from chat.models import Role, Status

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def message(message_id: str, parent_id: str | None, role: Role | None = None) -> Message:
    """A message whose name begins with q is a question."""
    role = role or (Role.USER if message_id.startswith("q") else Role.ASSISTANT)
    return Message(message_id, "c", parent_id, role, message_id, Status.DONE, NOW)


def tree(text: str) -> Tree:
    """From words such as "q1 a1<q1 a2<q1"."""
    words = [word.partition("<") for word in text.split()]
    return Tree(message(name, parent or None) for name, _, parent in words)


FORKED = "q1 a1<q1 q2<a1 a2<q2 a1b<q1 q3<a1b a3<q3 q1b a4<q1b"


def test_a_path_leads_from_the_root() -> None:
    assert [item.id for item in tree(FORKED).path_to("a3")] == ["q1", "a1b", "q3", "a3"]
    assert tree(FORKED).path_to(None) == []


def test_versions_share_their_parent() -> None:
    assert tree(FORKED).versions("a1b") == ["a1", "a1b"]
    assert tree(FORKED).versions("q1") == ["q1", "q1b"]
    assert tree(FORKED).versions("q2") == ["q2"]


def test_the_newest_end_takes_the_newest_version_each_time() -> None:
    assert tree(FORKED).newest_end("q1") == "a3"
    assert tree(FORKED).newest_end("a1") == "a2"


def test_a_branch_is_a_message_with_all_descendants() -> None:
    assert set(tree(FORKED).branch("a1")) == {"a1", "q2", "a2"}


def test_a_turn_is_a_question_with_all_its_answers() -> None:
    assert tree(FORKED).turn("a1") == tree(FORKED).turn("q1") == ["q1", "a1", "a1b"]


@pytest.mark.parametrize(
    ("head", "removed", "end"),
    [
        ("a2", ["q1", "a1", "a1b"], "a2"),  # out of the middle: the end stays
        ("a2", ["q2", "a2"], "a1"),  # the end goes: what stood before it
        ("a2", ["a1", "q2", "a2"], "a3"),  # a version goes: the one beside it
        ("a4", ["a4"], "q1b"),
        (None, ["a4"], None),
    ],
)
def test_the_head_without_removed_messages_is_found(
    head: str | None, removed: list[str], end: str | None
) -> None:
    assert tree(FORKED).end_without(head, removed) == end


def test_an_unknown_message_is_not_found() -> None:
    for look in (Tree([]).message, Tree([]).path_to, Tree([]).versions, Tree([]).branch):
        with pytest.raises(NotFound):
            look("x")


@given(st.lists(st.integers(min_value=0), max_size=40), st.data())
def test_the_head_after_a_removed_branch_is_never_part_of_it(
    parents: list[int], data: st.DataObject
) -> None:
    messages = [message("m0", None)]
    for number, parent in enumerate(parents, 1):
        above = messages[parent % len(messages)]
        role = Role.ASSISTANT if above.role is Role.USER else Role.USER
        messages.append(message(f"m{number}", above.id, role))
    grown = Tree(messages)
    ids = [item.id for item in messages]
    head, first = data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(ids))
    removed = grown.branch(first)
    end = grown.end_without(head, removed)
    assert end not in removed
    assert end is not None or len(removed) == len(ids)
