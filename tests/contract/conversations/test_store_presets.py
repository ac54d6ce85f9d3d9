"""What every store promises of presets."""

import pytest

from chat.conversations.models import Preset, PresetText
from chat.conversations.ports import Store
from chat.errors import BadText, NotFound
from chat.models import PresetRef, Sampling
from tests.contract.stores import ANN, BOB

TEXT = PresetText(
    name="翻译 Translator",
    system_prompt="Translate. 翻译。",
    sampling=Sampling(temperature=0.2, stop=("\n\n",)),
    questions=("你好？", "How are you?"),
)
OTHER = PresetText("Other", "Say something else.")
SHIPPED = {
    "assistant-zh": PresetText("助手", "你是助手。", language="zh"),
    "assistant-en": PresetText("Assistant", "You help.", language="en"),
}


async def names(store: Store, user_id: str = ANN) -> list[str]:
    return [preset.text.name for preset in await store.presets(user_id)]


async def test_a_preset_is_stored_completely(store: Store) -> None:
    preset = await store.add_preset(ANN, TEXT)
    assert preset == Preset(
        PresetRef(preset.ref.id, 1), ANN, shared=False, text=TEXT, created_at=preset.created_at
    )
    assert await store.preset(ANN, preset.ref.id) == preset
    assert list(await store.presets(ANN)) == [preset]


async def test_every_version_of_a_preset_stays(store: Store) -> None:
    first = await store.add_preset(ANN, TEXT)
    second = await store.revise_preset(ANN, first.ref.id, OTHER)
    third = await store.revise_preset(ANN, first.ref.id, TEXT)
    assert [preset.ref.version for preset in (first, second, third)] == [1, 2, 3]
    for preset in (first, second, third):
        assert await store.preset(ANN, preset.ref.id, preset.ref.version) == preset
    assert await store.preset(ANN, first.ref.id) == third
    assert list(await store.presets(ANN)) == [third]


async def test_the_same_text_adds_no_version(store: Store) -> None:
    preset = await store.add_preset(ANN, TEXT)
    assert await store.revise_preset(ANN, preset.ref.id, TEXT) == preset


@pytest.mark.parametrize("version", [-1, 0, 2, 2**31, 2**70])
async def test_a_version_that_is_not_there_is_not_found(store: Store, version: int) -> None:
    preset = await store.add_preset(ANN, TEXT)
    with pytest.raises(NotFound):
        await store.preset(ANN, preset.ref.id, version)


async def test_a_shared_preset_can_be_used_by_all_and_changed_by_its_owner(store: Store) -> None:
    first = await store.add_preset(ANN, TEXT)
    there = first.ref.id
    await store.share_preset(ANN, there, True)
    assert await names(store, BOB) == [TEXT.name]
    second = await store.revise_preset(ANN, there, OTHER)
    assert (second.shared, second.owner_id) == (True, ANN)
    assert (await store.preset(BOB, there, 1)).text == TEXT
    for attempt in (
        store.revise_preset(BOB, there, TEXT),
        store.share_preset(BOB, there, False),
        store.delete_preset(BOB, there),
    ):
        with pytest.raises(NotFound):
            await attempt
    await store.share_preset(ANN, there, False)
    assert await names(store, BOB) == []
    assert await names(store) == [OTHER.name]
    with pytest.raises(NotFound):
        await store.preset(BOB, there)


async def test_a_deleted_preset_is_off_the_list_and_its_versions_stay(store: Store) -> None:
    preset = await store.add_preset(ANN, TEXT)
    await store.delete_preset(ANN, preset.ref.id)
    assert await names(store) == []
    assert await store.preset(ANN, preset.ref.id, 1) == preset
    for attempt in (
        store.revise_preset(ANN, preset.ref.id, OTHER),
        store.share_preset(ANN, preset.ref.id, True),
        store.delete_preset(ANN, preset.ref.id),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_unshared_presets_of_others_are_not_found(store: Store) -> None:
    preset = await store.add_preset(BOB, TEXT)
    for preset_id in (preset.ref.id, "none"):
        with pytest.raises(NotFound):
            await store.preset(ANN, preset_id)
        with pytest.raises(NotFound):
            await store.revise_preset(ANN, preset_id, OTHER)
    assert await names(store) == []


async def test_shipped_presets_come_first_then_own_then_shared(store: Store) -> None:
    shared = await store.add_preset(BOB, PresetText("Bob's"))
    await store.share_preset(BOB, shared.ref.id, True)
    await store.add_preset(ANN, PresetText("Ann's"))
    await store.ship_presets(SHIPPED)
    assert await names(store) == ["助手", "Assistant", "Ann's", "Bob's"]
    assert await names(store, BOB) == ["助手", "Assistant", "Bob's"]


async def test_a_shipped_preset_is_visible_to_all_and_read_only(store: Store) -> None:
    await store.ship_presets(SHIPPED)
    preset = await store.preset(ANN, "assistant-zh")
    assert (preset.owner_id, preset.shared, preset.ref.version) == ("", True, 1)
    assert preset.text == SHIPPED["assistant-zh"]
    for attempt in (
        store.revise_preset(ANN, "assistant-zh", OTHER),
        store.share_preset(ANN, "assistant-zh", False),
        store.delete_preset(ANN, "assistant-zh"),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_shipping_adds_a_version_only_where_the_text_differs(store: Store) -> None:
    await store.ship_presets(SHIPPED)
    changed = SHIPPED | {"assistant-en": OTHER}
    for _ in range(2):
        await store.ship_presets(changed)
    assert (await store.preset(ANN, "assistant-zh")).ref.version == 1
    assert (await store.preset(ANN, "assistant-en")).ref.version == 2
    assert (await store.preset(ANN, "assistant-en", 1)).text == SHIPPED["assistant-en"]


async def test_a_removed_shipped_preset_is_unlisted_until_it_returns(
    store: Store,
) -> None:
    own = await store.add_preset(ANN, TEXT)
    await store.ship_presets(SHIPPED)
    await store.ship_presets({})
    assert await names(store) == [TEXT.name]
    assert (await store.preset(ANN, "assistant-zh")).text == SHIPPED["assistant-zh"]
    await store.ship_presets(SHIPPED)
    assert await names(store) == ["助手", "Assistant", TEXT.name]
    assert (await store.preset(ANN, "assistant-zh")).ref.version == 1
    assert await store.preset(ANN, own.ref.id) == own


async def test_bad_text_in_a_preset_is_refused(store: Store) -> None:
    preset = await store.add_preset(ANN, TEXT)
    bad = PresetText("name", questions=("a\0b",))
    for attempt in (
        store.add_preset(ANN, bad),
        store.revise_preset(ANN, preset.ref.id, bad),
        store.ship_presets(SHIPPED | {"bad": bad}),
        store.preset(ANN, "a\0b"),
    ):
        with pytest.raises(BadText):
            await attempt
    assert list(await store.presets(ANN)) == [preset]
