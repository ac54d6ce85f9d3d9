"""The panel of presets: choosing one, and adding, sharing and deleting the user's own."""

import math
from collections.abc import Mapping
from dataclasses import replace

import gradio as gr
from gradio.components import Component

from chat.conversations.models import Preset, PresetText
from chat.conversations.presets import Presets
from chat.errors import AppError
from chat.models import ChatOptions
from i18n import Language
from ui import preset_panel
from ui.broken_file import BROKEN, broken_file
from ui.components import Updates
from ui.handlers.page_state import PageState, user_id_of
from ui.i18n import refusal, text
from ui.options import LINE_ENDS, NUMBERS, to_options
from ui.view import View


class PresetPanel:
    """The events of the panel. Presets are asked for by their user."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._on = page.on
        self._presets = page.services.presets
        self._conversations = page.services.conversations

    async def list(self, language: str, view: View, request: gr.Request) -> Updates:
        """The panel was opened, or something in it has changed."""
        return await self._cards(user_id_of(request), Language(language), view)

    async def choose(
        self,
        event: gr.EventData,
        conversation_id: str,
        language: str,
        view: View,
        request: gr.Request,
    ) -> Updates:
        """Use the newest version of a preset, or none, in the open conversation."""
        user_id, lang, preset_id = user_id_of(request), Language(language), str(event.preset)
        options = ChatOptions()
        try:
            if preset_id:
                options = Presets.options_of(await self._presets.get(user_id, preset_id))
            if conversation_id:
                await self._conversations.set_options(user_id, conversation_id, options)
        except AppError as error:
            return {self._on.note: self._page.no_preset(error, lang)}
        updates = await self._with(options, conversation_id, lang, view, request)
        return updates | await self._cards(user_id, lang, view)

    async def reset(
        self, conversation_id: str, language: str, view: View, request: gr.Request
    ) -> Updates:
        """The settings go back to the preset's version that is in use, or to the model's own."""
        user_id, lang = user_id_of(request), Language(language)
        options = Presets.options_of(view.chosen.preset) if view.chosen else ChatOptions()
        try:
            if conversation_id:
                await self._conversations.set_options(user_id, conversation_id, options)
        except AppError as error:
            return {self._on.note: self._page.why(error, lang)}
        return await self._with(options, conversation_id, lang, view, request)

    async def write(
        self, event: gr.EventData, values: Mapping[Component, object], request: gr.Request
    ) -> Updates:
        """The form: an own preset to edit, another user's to copy, or the present settings."""
        user_id, language = user_id_of(request), Language(str(values[self._on.language]))
        preset_id = str(event.preset)
        try:
            if not preset_id:
                options = self._on.options(values)
                words = PresetText("", options.system_prompt, options.sampling)
                return {self._on.presets: preset_panel.form(words, "", language)}
            preset = await self._presets.get(user_id, preset_id)
        except AppError as error:
            return {self._on.note: self._page.no_preset(error, language)}
        own = preset.ref.id if preset.is_own(user_id) else ""
        return {self._on.presets: preset_panel.form(preset.text, own, language)}

    async def save(
        self,
        event: gr.EventData,
        conversation_id: str,
        language: str,
        view: View,
        request: gr.Request,
    ) -> Updates:
        """Save the form: a new version of an own preset, or a new preset.

        An open conversation keeps its version; an empty page uses the new one.
        """
        user_id, lang, preset_id = user_id_of(request), Language(language), str(event.preset)
        try:
            words = _written(event.fields)
        except AppError as error:
            return {self._on.note: self._page.why(error, lang)}
        try:
            saved = await (
                self._revise(user_id, preset_id, words)
                if preset_id
                else self._presets.add(user_id, words)
            )
        except AppError as error:
            why = refusal(lang, error.code, error.values)
            return {self._on.presets: preset_panel.form(words, preset_id, lang, why)}
        options = view.options
        if not conversation_id:
            options = Presets.options_of(saved)
        updates = await self._with(options, conversation_id, lang, view, request)
        return updates | await self._cards(user_id, lang, view)

    async def imported(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """The browser has imported a file with a preset: list it, or report the error."""
        lang = Language(language)
        updates = await self._cards(user_id_of(request), lang, view)
        if not event.code:
            return updates
        return updates | {self._on.note: self._page.refused(_not_imported(event, lang))}

    async def share(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Share an own preset with all users, or stop sharing it."""
        user_id, lang = user_id_of(request), Language(language)
        try:
            await self._presets.share(user_id, str(event.preset), bool(event.shared))
        except AppError as error:
            return {self._on.note: self._page.no_preset(error, lang)}
        return await self._cards(user_id, lang, view)

    async def delete(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Delete an own preset."""
        user_id, lang = user_id_of(request), Language(language)
        try:
            await self._presets.delete(user_id, str(event.preset))
        except AppError as error:
            return {self._on.note: self._page.no_preset(error, lang)}
        return await self._cards(user_id, lang, view)

    async def _revise(self, user_id: str, preset_id: str, words: PresetText) -> Preset:
        before = (await self._presets.get(user_id, preset_id)).text
        return await self._presets.revise(user_id, preset_id, _with_line_ends(words, before))

    async def _with(
        self,
        options: ChatOptions,
        conversation_id: str,
        language: Language,
        view: View,
        request: gr.Request,
    ) -> Updates:
        """The page with these settings."""
        await self._page.remember(user_id_of(request), options, view)
        temporary = view.is_temporary(conversation_id)
        return {
            **self._on.show_options(options),
            **self._page.state(language, view, temporary=temporary),
            **self._page.chips(language, view),
            self._on.note: "",
        }

    async def _cards(self, user_id: str, language: Language, view: View) -> Updates:
        try:
            presets = await self._presets.list(user_id, language)
        except AppError as error:
            return {self._on.note: self._page.no_preset(error, language)}
        return {self._on.presets: preset_panel.cards(presets, user_id, view.chosen, language)}


def _not_imported(event: gr.EventData, language: Language) -> str:
    """The sentence for a file that the server refused."""
    if event.code in BROKEN:
        return broken_file(str(event.code), str(event.why), language)
    return text(language, "preset-not-imported")


def _written(fields: Mapping[str, object]) -> PresetText:
    """The preset of the form. An invalid number is unset. Raises BadImport."""
    names = ("name", "system_prompt", "stop", "shown")
    words = {name: str(fields.get(name) or "") for name in names}
    numbers = {name: _number(fields.get(name)) for name in NUMBERS}
    options = to_options(words["system_prompt"], words["stop"], numbers, shown=words["shown"])
    questions = fields.get("questions")
    asked = [str(question) for question in questions] if isinstance(questions, list) else []
    made = PresetText(words["name"], options.system_prompt, options.sampling)
    return replace(made, questions=tuple(question for question in asked if question.strip()))


def _with_line_ends(words: PresetText, before: PresetText) -> PresetText:
    """The texts as they were before where only their line ends differ: a browser changes those."""

    def kept(written: str, old: str) -> str:
        return old if LINE_ENDS.sub("\n", old) == LINE_ENDS.sub("\n", written) else written

    questions = tuple(map(kept, words.questions, before.questions))
    return replace(
        words,
        system_prompt=kept(words.system_prompt, before.system_prompt),
        questions=questions + words.questions[len(questions) :],
    )


def _number(written: object) -> float | None:
    try:
        number = float(str(written))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
