"""Presets: own, shared and shipped ones."""

from collections.abc import Awaitable, Callable

import pytest

from chat.conversations.errors import BadPresetName
from chat.conversations.models import Preset, PresetText
from chat.conversations.presets import Presets, load_shipped
from chat.errors import InvalidSetting, NotFound
from chat.models import ChatOptions, Sampling
from tests.memory_store import MemoryStore

ANN, BOB = "ann", "bob"
PIRATE = PresetText("Pirate", "Speak like a pirate.", Sampling(temperature=1.0), ("Ahoy?",))


@pytest.fixture
async def presets() -> Presets:
    presets = Presets(MemoryStore())
    await presets.ship()
    return presets


def names(listed: list[Preset]) -> list[str]:
    return [preset.text.name for preset in listed]


async def test_a_user_sees_the_shipped_presets_of_their_language_in_order(
    presets: Presets,
) -> None:
    for language in ("zh", "en"):
        listed = await presets.list(ANN, language)
        expected = {key: text for key, text in load_shipped().items() if text.language == language}
        assert [preset.ref.id for preset in listed] == list(expected)
        assert [preset.text for preset in listed] == list(expected.values())


async def test_own_presets_come_first_and_shared_ones_last(presets: Presets) -> None:
    shared = await presets.add(BOB, PresetText("aboard"))
    await presets.share(BOB, shared.ref.id, True)
    await presets.add(BOB, PresetText("secret"))
    await presets.add(ANN, PresetText("zebra"))
    await presets.add(ANN, PresetText("Ape"))
    listed = names(list(await presets.list(ANN, "en")))
    assert listed[:3] == ["Ape", "zebra", "Assistant"]
    assert listed[-1] == "aboard"
    assert "secret" not in listed


async def test_shipping_twice_adds_no_version(presets: Presets) -> None:
    await presets.ship()
    assert {preset.ref.version for preset in await presets.list(ANN, "en")} == {1}


async def test_a_preset_gives_a_conversation_its_prompt_sampling_and_version(
    presets: Presets,
) -> None:
    pirate = await presets.add(ANN, PIRATE)
    assert presets.options_of(pirate) == ChatOptions(
        "Speak like a pirate.", Sampling(temperature=1.0), pirate.ref
    )


async def test_an_older_version_can_still_be_read(presets: Presets) -> None:
    first = await presets.add(ANN, PIRATE)
    second = await presets.revise(ANN, first.ref.id, PresetText("Corsair"))
    assert (first.ref.version, second.ref.version) == (1, 2)
    assert (await presets.get(ANN, first.ref.id, 1)).text == PIRATE
    assert (await presets.get(ANN, first.ref.id)).text.name == "Corsair"


async def test_a_deleted_preset_leaves_the_list_and_keeps_its_versions(presets: Presets) -> None:
    pirate = await presets.add(ANN, PIRATE)
    await presets.delete(ANN, pirate.ref.id)
    assert "Pirate" not in names(list(await presets.list(ANN, "en")))
    assert (await presets.get(ANN, pirate.ref.id, 1)).text == PIRATE


Change = Callable[[Presets, str, str], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "revise": lambda presets, user, preset_id: presets.revise(user, preset_id, PIRATE),
    "share": lambda presets, user, preset_id: presets.share(user, preset_id, True),
    "delete": lambda presets, user, preset_id: presets.delete(user, preset_id),
}
changing = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())


@changing
async def test_a_shipped_preset_cannot_be_changed(presets: Presets, change: Change) -> None:
    with pytest.raises(NotFound):
        await change(presets, ANN, "maths.en")
    assert (await presets.get(ANN, "maths.en")).text == load_shipped()["maths.en"]


@changing
async def test_a_shared_preset_cannot_be_changed_by_others(
    presets: Presets, change: Change
) -> None:
    pirate = await presets.add(BOB, PIRATE)
    await presets.share(BOB, pirate.ref.id, True)
    with pytest.raises(NotFound):
        await change(presets, ANN, pirate.ref.id)
    assert (await presets.get(ANN, pirate.ref.id)).text == PIRATE


async def test_another_users_preset_looks_like_an_unknown_one(presets: Presets) -> None:
    pirate = await presets.add(BOB, PIRATE)
    with pytest.raises(NotFound):
        await presets.get(ANN, pirate.ref.id)
    with pytest.raises(NotFound):
        await presets.get(ANN, "no-such-preset")


async def test_a_copy_of_a_shipped_preset_is_own_in_both_languages(presets: Presets) -> None:
    shipped = await presets.get(ANN, "maths.en")
    copy = await presets.add(ANN, shipped.text)
    assert copy.owner_id == ANN
    assert copy.text.system_prompt == shipped.text.system_prompt
    for language in ("zh", "en"):
        assert copy.ref in [preset.ref for preset in await presets.list(ANN, language)]


async def test_a_preset_that_is_refused_changes_nothing(presets: Presets) -> None:
    pirate = await presets.add(ANN, PIRATE)
    before = await presets.list(ANN, "en")
    with pytest.raises(BadPresetName):
        await presets.add(ANN, PresetText(" "))
    with pytest.raises(InvalidSetting):
        await presets.revise(ANN, pirate.ref.id, PresetText("x", sampling=Sampling(top_p=2)))
    assert await presets.list(ANN, "en") == before
