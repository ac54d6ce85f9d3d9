"""Presets: a name, a system prompt, sampling settings and opening questions of a conversation.

Owns the shipped presets (TOML files in `shipped/`) and the access rules. Knows no SQL and no page.
A conversation stores only the version that it began with.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chat.conversations.models import Preset, PresetText
from chat.conversations.ports import PresetStore
from chat.conversations.validation import check_preset
from chat.errors import NotFound
from chat.models import ChatOptions, PresetRef, Sampling

SHIPPED = Path(__file__).parent / "shipped"
"""One file per language; its sections are the presets in the order of the list."""


class Presets:
    """The service of presets. A preset that the user may not use raises NotFound.

    Shipped presets have no owner: to change one, a user adds its text as a preset of their
    own.
    """

    def __init__(self, store: PresetStore) -> None:
        self._store = store
        self._shipped = load_shipped()

    async def ship(self) -> None:
        """Bring the shipped presets in the store up to date; for start-up. Raises StoreFailed."""
        await self._store.ship_presets(self._shipped)

    async def list(self, user_id: str, language: str) -> Sequence[Preset]:
        """The presets that the user may use: own, shipped in that language, and shared ones.

        Own and shared ones are sorted by name, shipped ones by their position in the file.
        """
        usable = await self._store.presets(user_id)
        in_file = {preset_id: line for line, preset_id in enumerate(self._shipped)}

        def place(preset: Preset) -> tuple[int, int, str]:
            group = 1 if not preset.owner_id else 0 if preset.is_own(user_id) else 2
            return group, in_file.get(preset.ref.id, 0), preset.text.name.casefold()

        listed = (
            preset for preset in usable if preset.owner_id or preset.text.language == language
        )
        return sorted(listed, key=place)

    async def get(self, user_id: str, preset_id: str, version: int | None = None) -> Preset:
        """One version of a preset; None is the newest. Raises NotFound."""
        return await self._store.preset(user_id, preset_id, version)

    async def names(self, user_id: str, refs: Iterable[PresetRef]) -> Mapping[PresetRef, str]:
        """Versions in readable form, "Translator v2"; by id where the user may not use them."""
        return {ref: await self._name(user_id, ref) for ref in set(refs)}

    async def _name(self, user_id: str, ref: PresetRef) -> str:
        try:
            return name_of(await self.get(user_id, ref.id, ref.version))
        except NotFound:
            return f"{ref.id} v{ref.version}"

    async def add(self, user_id: str, text: PresetText) -> Preset:
        """Store a preset as the user's own. Raises what `check_preset` raises."""
        return await self._store.add_preset(user_id, _own(text))

    async def revise(self, user_id: str, preset_id: str, text: PresetText) -> Preset:
        """Add a version to one's own preset. Raises NotFound and what `add` raises."""
        return await self._store.revise_preset(user_id, preset_id, _own(text))

    async def share(self, user_id: str, preset_id: str, shared: bool) -> None:
        """Share one's own preset with all users, or end that. Raises NotFound."""
        await self._store.share_preset(user_id, preset_id, shared)

    async def delete(self, user_id: str, preset_id: str) -> None:
        """Take one's own preset off the list; conversations keep its versions. Raises NotFound."""
        await self._store.delete_preset(user_id, preset_id)

    @staticmethod
    def options_of(preset: Preset) -> ChatOptions:
        """The options with which a conversation begins that takes this preset."""
        return ChatOptions(preset.text.system_prompt, preset.text.sampling, preset.ref)


def name_of(preset: Preset) -> str:
    """What one version of a preset is called."""
    return f"{preset.text.name} v{preset.ref.version}"


def load_shipped() -> Mapping[str, PresetText]:
    """The presets that come with the app, by id: "maths.zh", "maths.en", …"""
    return {
        f"{name}.{path.stem}": _read(table, language=path.stem)
        for path in sorted(SHIPPED.glob("*.toml"))
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items()
    }


def _read(table: Mapping[str, Any], *, language: str) -> PresetText:
    # A misspelt key in the file is an unknown argument here and raises TypeError.
    sampling = Sampling(**table.get("sampling", {}))
    text = PresetText(**{**table, "sampling": sampling, "language": language})
    return replace(text, system_prompt=text.system_prompt.strip(), questions=tuple(text.questions))


def _own(text: PresetText) -> PresetText:
    """The text of a user's own preset: checked, and listed in every language."""
    return replace(check_preset(text), language="")
