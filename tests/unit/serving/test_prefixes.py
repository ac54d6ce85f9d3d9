"""Which prefixes count as reused: the ones of the same user."""

from chat.models import ChatMessage, Role
from chat.serving.prefixes import MAX_PREFIXES, MAX_USERS, SeenPrefixes

HI, HELLO, AND = (
    ChatMessage(Role.USER, "Hi"),
    ChatMessage(Role.ASSISTANT, "Hello"),
    ChatMessage(Role.USER, "And?"),
)


def test_a_repeated_prompt_is_recognised_up_to_its_first_difference() -> None:
    own = SeenPrefixes()
    own.note("ann", [HI, HELLO])
    assert own.seen_messages("ann", [HI, HELLO, AND]) == 2
    assert own.seen_messages("ann", [HI, AND]) == 1
    assert own.seen_messages("ann", [HELLO, HI]) == 0


def test_prefixes_of_another_user_are_not_reported() -> None:
    own = SeenPrefixes()
    own.note("ann", [HI, HELLO])
    assert own.seen_messages("bob", [HI, HELLO]) == 0


def test_the_boundary_between_messages_counts() -> None:
    own = SeenPrefixes()
    own.note("ann", [ChatMessage(Role.USER, "ab")])
    assert own.seen_messages("ann", [ChatMessage(Role.USER, "a"), ChatMessage(Role.USER, "b")]) == 0


def test_old_prompts_and_users_are_forgotten() -> None:
    own = SeenPrefixes()
    own.note("ann", [HI])
    for number in range(MAX_PREFIXES):
        own.note("ann", [ChatMessage(Role.USER, str(number))])
    assert own.seen_messages("ann", [HI]) == 0
    for number in range(MAX_USERS):
        own.note(f"user {number}", [HI])
    assert own.seen_messages("ann", [ChatMessage(Role.USER, str(MAX_PREFIXES - 1))]) == 0
