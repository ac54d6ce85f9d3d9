"""The message box: sending, stopping, context usage, attachments, settings of a question."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from chat.campaigns.errors import CompareOnly
from chat.conversations.attachments import MAX_FILES, attachment, check_attachments
from chat.conversations.errors import BadAttachment
from chat.conversations.models import Question
from chat.errors import AppError, BadText, MessageTooLong
from chat.validation import MAX_CHARACTERS
from i18n import Language
from ui import composing
from ui.components import Updates
from ui.handlers.page_state import PageState, address_of, user_id_of, user_of, view_of
from ui.i18n import refusal, text
from ui.view import HeldFile, View

REQUEST_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
"""The browser's name of a request: one text in the box, however often it is sent."""

FILE_ID = re.compile(r"[0-9a-z]{1,32}")
"""The browser's name of an attached file."""


class Composer:
    """The events of the box and of the settings."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._on = page.on
        self._conversations = page.services.conversations
        self._answers = page.services.answers

    async def send(self, values: Mapping[Component, object], request: gr.Request) -> Updates:
        """Send the question. A refused one stays in the box; an accepted one leaves it."""
        on, user_id, language = (
            self._on,
            user_id_of(request),
            Language(str(values[self._on.language])),
        )
        view = view_of(values[on.view])
        name, *files = str(values[on.request_id] or "").split(" ")
        if not view.files.keys() >= set(files):  # the server has dropped this tab's state
            return {
                on.files: composing.files(view.files, language, again=True),
                on.note: self._page.refused(text(language, "files-gone")),
            }
        conversation_id = str(values[on.bridge] or "") or None
        question = Question(
            str(values[on.message] or ""),
            request_id(name),
            attachments=tuple(view.files[key].file for key in files),
            temporary=view.temporary and conversation_id is None,
            campaign_id=view.campaign_id,
        )
        try:
            job = await self._answers.send(
                user_id,
                conversation_id=conversation_id,
                question=question,
                options=on.options(values),
                address=address_of(request),
            )
        except CompareOnly as error:  # the tasks lead to the page that compares
            tasks = await self._page.tasks(user_of(request), language, view)
            return {on.note: self._page.why(error, language), **tasks}
        except AppError as error:
            return {on.note: self._page.why(error, language)}
        for key in files:
            view.files.pop(key, None)
        updates = await self._page.begun(job.conversation_id, values, request, job.account)
        return updates | {on.message: "", on.files: composing.files(view.files, language)}

    async def oversize(self, language: str) -> Updates:
        """Say that an event was refused at the edge for its size. Its text stays in its box."""
        return {self._on.note: self._page.refused(text(Language(language), "event-too-large"))}

    async def stop(self, conversation_id: str, request: gr.Request) -> None:
        """End the answer being written; its last update comes through `listen`."""
        self._answers.stop(user_id_of(request), conversation_id)

    async def measure(
        self, event: gr.EventData, values: Mapping[Component, object], request: gr.Request
    ) -> Updates:
        """The context usage of the text in the box, and a warning if it does not fit.

        Files that were attached before the model was ready are counted now.
        """
        on, language = self._on, Language(str(values[self._on.language]))
        view, asked = view_of(values[on.view]), str(event.asked)
        files = await self._counted(view, language)
        held = (view.files.get(key) for key in event.files)
        question = Question(
            str(event.text), "", attachments=tuple(item.file for item in held if item)
        )
        try:
            measured = await self._answers.context_usage(
                user_id_of(request),
                conversation_id=str(values[on.bridge] or "") or None,
                question=question,
                options=on.options(values),
            )
        except (MessageTooLong, BadText, BadAttachment) as error:
            sentence = composing.refusal_ahead(refusal(language, error.code, error.values))
            unknown = composing.context_usage(None, language, asked)
            return files | {on.context_usage: unknown, on.warning: sentence}
        except (
            AppError
        ):  # not ready, or reported elsewhere: a setting out of bounds, a lost database
            return files | {
                on.context_usage: composing.context_usage(None, language, asked),
                on.warning: "",
            }
        return files | {
            on.context_usage: composing.context_usage(measured, language, asked),
            on.warning: composing.warning(measured, language),
        }

    async def attach(self, event: gr.EventData, language: str, view: View) -> Updates:
        """Hold the files that the browser has read, or report why they are refused."""
        lang, refused = Language(language), dict[str, str]()
        for file_data in event.files:
            if why := await self._take(file_data, view, lang):
                refused[_file_id(file_data)] = why
        return {
            self._on.files: composing.files(
                view.files, lang, asked=str(event.asked), refused=refused
            ),
            self._on.note: self._page.refused(" ".join(refused.values())),
        }

    async def detach(self, event: gr.EventData, language: str, view: View) -> Updates:
        """Remove a file."""
        view.files.pop(str(event.file), None)
        return {self._on.files: composing.files(view.files, Language(language)), self._on.note: ""}

    async def keep_options(
        self, values: Mapping[Component, object], request: gr.Request
    ) -> Updates:
        """Keep changed settings with the open conversation, so that a reload finds them."""
        on, language = self._on, Language(str(values[self._on.language]))
        view, conversation_id = view_of(values[on.view]), str(values[on.bridge] or "")
        try:
            view.options = on.options(values)
            if conversation_id:
                await self._conversations.set_options(
                    user_id_of(request), conversation_id, view.options
                )
        except AppError as error:
            return self._page.chips(language, view) | {on.note: self._page.why(error, language)}
        return self._page.chips(language, view) | {on.note: ""}

    async def _counted(self, view: View, language: Language) -> Updates:
        """The files with token counts that were unknown before; empty while they still are."""
        uncounted = {key: held for key, held in view.files.items() if held.tokens is None}
        found = False
        for key, held in uncounted.items():
            counted = await self._page.held(held)
            if counted.tokens is not None and view.files.get(key) is held:  # not removed meanwhile
                view.files[key], found = counted, True
        return {self._on.files: composing.files(view.files, language)} if found else {}

    async def _take(self, file_data: Mapping[str, Any], view: View, language: Language) -> str:
        """Hold a file; return the reason of a refusal, or an empty text."""
        key, name, why = (
            _file_id(file_data),
            str(file_data.get("name", "")),
            str(file_data.get("why", "")),
        )
        view.files.pop(str(file_data.get("replaces", "")), None)  # read anew, in another encoding
        others = [held.file for other, held in view.files.items() if other != key]
        if why == "binary":
            return text(language, "file-binary", name=name)
        if why == "too-large":
            return text(language, "file-too-large", name=name, limit=f"{MAX_CHARACTERS:,}")
        if len(others) >= MAX_FILES:
            return text(language, "file-too-many", name=name, limit=MAX_FILES)
        try:
            file = attachment(name, str(file_data.get("text", "")))
            check_attachments("", [*others, file])
        except AppError as error:
            return refusal(language, error.code, error.values)
        view.files[key] = await self._page.held(
            HeldFile(
                file,
                pasted=bool(file_data.get("pasted")),
                encoding=str(file_data.get("encoding") or ""),
                readings=tuple(
                    (str(item["encoding"]), str(item["sample"]))
                    for item in file_data.get("readings") or ()
                ),
            )
        )
        return ""


def request_id(sent: object) -> str:
    """The browser's name for what it asks, so that a repeated event asks once; else a new one."""
    return sent if isinstance(sent, str) and REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex


def _file_id(file_data: Mapping[str, Any]) -> str:
    key = str(file_data.get("id", ""))
    return key if FILE_ID.fullmatch(key) else uuid.uuid4().hex
