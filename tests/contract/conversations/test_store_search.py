"""What every store promises of its search."""

import pytest

from chat.conversations.models import AnswerRecord, Excerpt
from chat.conversations.ports import Store
from chat.models import Status
from tests.contract.stores import ANN, BOB, END, ask, ask_and_answer


async def found(store: Store, words: str, user_id: str = ANN) -> list[str]:
    return [hit.conversation.id for hit in await store.search(user_id, words)]


def marked(excerpt: Excerpt | None) -> list[str]:
    assert excerpt is not None
    return [excerpt.text[start:end] for start, end in excerpt.marks]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("今天天气怎么样？", "天气"),
        ("今天天气怎么样？", "天"),
        ("今天天气怎么样？", "天气怎么样"),
        ("今天天气怎么样？", "怎么样 天气"),
        ("𠮷野家 and 𰻞𰻞面", "𠮷野"),
        ("𠮷野家 and 𰻞𰻞面", "𰻞"),
        ("カタカナとひらがな", "カナとひら"),
        ("안녕하세요", "녕하"),
        ("The Weather is fine", "weather"),
        ("The Weather is fine", "FINE the"),
        ("The Weather is fine", "the wea"),
        ("Ünïcode café", "unicode cafe"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("我用Python写代码", "python"),
        ("我用Python写代码", "用pyth"),
        ("It is written in C++.", "C++"),
        ('say "hello world" now', '"hello world"'),
        ("a AND b OR c NOT d NEAR e", "OR NEAR"),
        ("snake_case and kebab-case", "kebab-case snake"),
        ("price is 100%", "100%"),
        ("x* y^2 (z) a:b {c}", "(z) a:b x*"),
        ("it's Bob's", "it's"),
        ("naïve \\ 'quoted'", "\\ 'quoted'"),
    ],
)
async def test_matching_messages_are_found(store: Store, text: str, words: str) -> None:
    turn = await ask(store, question=text)
    answered = await ask_and_answer(store, answer=text)
    await ask_and_answer(store, question="something else", answer="别的")
    assert await found(store, words) == [answered.conversation.id, turn.conversation.id]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("天很蓝，气很新", "天气"),
        ("气天", "天气"),
        ("The weather", "eather"),
        ("The weather", "wea the"),
        ("category", "cat dog"),
        ("C", "C*D"),
        ("hello brave world", '"hello world"'.replace(" ", "-")),
        ("plain", "title:plain"),
        ("cats", "C++"),
        ("a b", ""),
        ("a b", "  \n"),
        ("a b", "\"*^%_' -"),
        ("100", "%"),
        ("snakeXcase", "snake_case"),
    ],
)
async def test_other_messages_are_not_found(store: Store, text: str, words: str) -> None:
    await ask_and_answer(store, question=text, answer=text, title=text)
    assert await found(store, words) == []


async def test_all_words_must_be_in_one_message_or_in_the_title(store: Store) -> None:
    turn = await ask_and_answer(store, question="red", answer="blue", title="green yellow")
    assert await found(store, "red blue") == []
    assert await found(store, "red green") == []
    assert await found(store, "yellow green") == [turn.conversation.id]


async def test_a_conversation_is_found_once_with_its_newest_message(store: Store) -> None:
    first = await ask_and_answer(store, question="apple one", answer="apple two")
    other = await ask_and_answer(store, question="apple")
    await ask_and_answer(store, first.conversation.id, question="apple three", answer="pear")
    hits = await store.search(ANN, "apple")
    assert [hit.conversation.id for hit in hits] == [first.conversation.id, other.conversation.id]
    newest = (await store.path(ANN, first.conversation.id))[2]
    assert hits[0].message_id == newest.id
    assert hits[0].excerpt == Excerpt("apple three", ((0, 5),))
    assert hits[0].conversation == await store.conversation(ANN, first.conversation.id)


async def test_a_title_is_found_without_a_message(store: Store) -> None:
    await ask_and_answer(store, title="关于天气 and Weather")
    hit = (await store.search(ANN, "天气 weath"))[0]
    assert (hit.message_id, hit.excerpt) == (None, None)
    assert hit.title.text == "关于天气 and Weather"
    assert marked(hit.title) == ["天气", "Weather"]


async def test_matches_are_marked_in_an_excerpt(store: Store) -> None:
    text = f"{'前' * 300}\n今天ＡＢＣ天气\r\n很好{'后' * 300}"
    await ask_and_answer(store, answer=text, title="天气")
    hit = (await store.search(ANN, "天气 abc"))[0]
    assert marked(hit.excerpt) == ["ＡＢＣ天气"]
    assert hit.excerpt is not None
    assert len(hit.excerpt.text) < 130
    assert "\n" not in hit.excerpt.text
    assert marked(hit.title) == ["天气"]


async def test_an_answer_is_found_when_it_has_ended(store: Store) -> None:
    running = await ask(store, question="Q")
    await store.save_text(ANN, running.answer.id, "banana")
    assert await found(store, "banana") == []
    await store.finish_answer(ANN, running.answer.id, AnswerRecord("banana split", Status.STOPPED))
    assert await found(store, "split") == [running.conversation.id]


async def test_an_interrupted_answer_is_found(store: Store) -> None:
    turn = await ask(store)
    await store.save_text(ANN, turn.answer.id, "香蕉")
    await store.interrupt_unfinished()
    assert await found(store, "香蕉") == [turn.conversation.id]


async def test_an_edited_answer_is_found_beside_the_first(store: Store) -> None:
    turn = await ask_and_answer(store, answer="cherry")
    await store.add_edited_answer(
        ANN, conversation_id=turn.conversation.id, sibling_id=turn.answer.id, content="damson"
    )
    assert await found(store, "cherry") == await found(store, "damson") == [turn.conversation.id]


async def test_a_new_title_is_found_at_once_and_the_old_one_no_longer(store: Store) -> None:
    turn = await ask(store, title="Old name")
    await store.rename(ANN, turn.conversation.id, title="新名字", seen="Old name")
    assert await found(store, "名字") == [turn.conversation.id]
    assert await found(store, "old") == []


async def test_a_deleted_message_is_found_only_after_restoring(store: Store) -> None:
    turn = await ask_and_answer(store, question="elder", answer="fig", title="grape")
    there, ids = turn.conversation.id, [turn.answer.id]
    await store.delete_messages(ANN, there, ids, head_id=turn.question.id)
    assert await found(store, "fig") == []
    assert await found(store, "elder") == [there]
    await store.delete(ANN, there)
    for words in ("elder", "fig", "grape"):
        assert await found(store, words) == []
    await store.restore(ANN, there)
    await store.restore_messages(ANN, there, ids, head_id=turn.answer.id)
    for words in ("elder", "fig", "grape"):
        assert await found(store, words) == [there]


async def test_a_purged_message_is_never_found(store: Store) -> None:
    turn = await ask_and_answer(store, question="hazel", answer="iris")
    await store.delete_messages(
        ANN, turn.conversation.id, [turn.answer.id], head_id=turn.question.id
    )
    await store.purge_deleted(END)
    assert await found(store, "iris") == []
    assert await found(store, "hazel") == [turn.conversation.id]


async def test_other_users_messages_are_never_found(store: Store) -> None:
    await ask_and_answer(store, user_id=BOB, question="juniper", answer="kale", title="lemon")
    for words in ("juniper", "kale", "lemon"):
        assert await found(store, words) == []
        assert len(await found(store, words, BOB)) == 1


@pytest.mark.parametrize(("limit", "count"), [(2, 2), (0, 0), (-1, 0), (2**70, 3)])
async def test_a_search_returns_at_most_its_limit(store: Store, limit: int, count: int) -> None:
    turns = [await ask_and_answer(store, question="mango") for _ in range(3)]
    newest_first = [turn.conversation.id for turn in reversed(turns)]
    hits = await store.search(ANN, "mango", limit=limit)
    assert [hit.conversation.id for hit in hits] == newest_first[:count]


async def test_every_part_of_a_long_text_is_searchable(store: Store) -> None:
    """PostgreSQL counts places up to 16,383, and 256 of one word."""
    numbers = [f"数{number}字" for number in range(12_000)]
    await ask_and_answer(store, answer="的" * 20_000 + "x".join(numbers) + " 末尾的话 the end")
    for words in ("末尾的话", "the end", "数11999字", "数511字 的的的 末尾", "字x数448字x"):
        assert len(await found(store, words)) == 1, words
    assert await found(store, "数12000字") == []


async def test_words_of_any_length_can_be_searched(store: Store) -> None:
    turn = await ask_and_answer(store, question="n" * 5000 + " " + "长" * 3000, answer="o " * 3000)
    for words in ("n" * 5000, "n" * 50, "长" * 3000, "o " * 3000):
        assert await found(store, words) == [turn.conversation.id]
