"""A complete Store in memory, as simple as its semantics allow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from chat.conversations.models import Preset, PresetText
from chat.errors import NotFound
from chat.models import PresetRef
from store.conversations.memory import TemporaryStore
from store.schema.columns import refuse_bad_text


@dataclass
class MemoryPresets:
    """`chat.conversations.ports.PresetStore`: the versions of each preset, oldest first."""

    clock: Callable[[], datetime]
    versions: dict[str, list[Preset]] = field(default_factory=dict)
    deleted_presets: set[str] = field(default_factory=set)
    ids: "count[int]" = field(default_factory=count)

    async def presets(self, user_id: str) -> Sequence[Preset]:
        refuse_bad_text(user_id)
        newest = [
            versions[-1]
            for key, versions in self.versions.items()
            if key not in self.deleted_presets
        ]
        visible = [preset for preset in newest if _may_see(user_id, preset)]
        return sorted(
            visible, key=lambda preset: (preset.owner_id != "", preset.owner_id != user_id)
        )

    async def preset(self, user_id: str, preset_id: str, version: int | None = None) -> Preset:
        refuse_bad_text(user_id, preset_id)
        versions = self.versions.get(preset_id, [])
        for preset in reversed(versions):
            if version in (None, preset.ref.version) and _may_see(user_id, preset):
                return preset
        raise NotFound

    async def add_preset(self, user_id: str, text: PresetText) -> Preset:
        refuse_bad_text(user_id, text)
        return self._add_version(f"preset-{next(self.ids)}", user_id, text)

    async def revise_preset(self, user_id: str, preset_id: str, text: PresetText) -> Preset:
        refuse_bad_text(user_id, preset_id, text)
        newest = self._my_preset(user_id, preset_id)
        if newest.text == text:
            return newest
        return self._add_version(preset_id, user_id, text, shared=newest.shared)

    async def share_preset(self, user_id: str, preset_id: str, shared: bool) -> None:
        refuse_bad_text(user_id, preset_id)
        self._my_preset(user_id, preset_id)
        versions = self.versions[preset_id]
        self.versions[preset_id] = [replace(preset, shared=shared) for preset in versions]

    async def delete_preset(self, user_id: str, preset_id: str) -> None:
        refuse_bad_text(user_id, preset_id)
        self._my_preset(user_id, preset_id)
        self.deleted_presets.add(preset_id)

    async def ship_presets(self, shipped: Mapping[str, PresetText]) -> None:
        refuse_bad_text([*shipped], [*shipped.values()])
        self.deleted_presets |= {
            key for key, versions in self.versions.items() if not versions[-1].owner_id
        }
        self.deleted_presets -= shipped.keys()
        for preset_id, text in shipped.items():
            if preset_id not in self.versions or self.versions[preset_id][-1].text != text:
                self._add_version(preset_id, "", text, shared=True)

    def destroy_presets(self, owner_id: str) -> int:
        """Destroy the user's presets; return the number of presets and versions."""
        theirs = [
            key for key, versions in self.versions.items() if versions[-1].owner_id == owner_id
        ]
        return sum(1 + len(self.versions.pop(key)) for key in theirs)

    def _my_preset(self, user_id: str, preset_id: str) -> Preset:
        versions = self.versions.get(preset_id)
        if not versions or versions[-1].owner_id != user_id or preset_id in self.deleted_presets:
            raise NotFound
        return versions[-1]

    def _add_version(
        self, preset_id: str, owner_id: str, text: PresetText, *, shared: bool = False
    ) -> Preset:
        versions = self.versions.setdefault(preset_id, [])
        ref = PresetRef(preset_id, len(versions) + 1)
        versions.append(Preset(ref, owner_id, shared, text, self.clock()))
        return versions[-1]


def _may_see(user_id: str, preset: Preset) -> bool:
    return preset.shared or preset.owner_id == user_id


@dataclass
class MemoryStore(TemporaryStore, MemoryPresets):
    """A store in memory: the store of temporary conversations, and presets in dictionaries."""

    most_conversations: int = 100_000
    prefix: str = ""

    async def open(self) -> None: ...

    async def close(self) -> None: ...
