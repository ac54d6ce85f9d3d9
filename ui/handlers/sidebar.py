"""The list of conversations, and what is done with a whole one."""

from contextlib import suppress

import gradio as gr

from chat.conversations.errors import RenamedMeanwhile
from chat.conversations.validation import MAX_IMPORT_BYTES, check_search
from chat.errors import AppError, NotFound, StoreFailed
from i18n import Language
from ui import chrome, sidebar
from ui.broken_file import BROKEN, broken_file
from ui.components import Updates
from ui.handlers.page_state import PageState, language_of, user_of
from ui.i18n import refusal, text
from ui.view import MOST_LISTED, View


class Sidebar:
    """The events of the left side, and the tick that keeps the page true."""

    def __init__(self, shown: PageState) -> None:
        self._shown = shown
        self._on = shown.on
        self._conversations = shown.services.conversations

    async def new_chat(self, language: str, view: View, request: gr.Request) -> Updates:
        """An empty page, with the settings at their defaults."""
        return await self._shown.open("", language, view, request)

    async def temporary(self, language: str, view: View, request: gr.Request) -> Updates:
        """An empty page on which nothing that is begun leaves a trace."""
        return await self._shown.open("", language, view, request, temporary=True)

    async def more(self, language: str, view: View, request: gr.Request) -> Updates:
        """Show older conversations as well."""
        view.listed = min(2 * view.listed, MOST_LISTED)
        return await self._list(user_of(request), Language(language), view)

    async def search(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Show where these words stand; without any, the list again."""
        tongue = Language(language)
        try:
            view.words = check_search(str(event.words))
        except AppError as error:
            return {self._shown.on.note: self._shown.why(error, tongue)}
        return await self._list(user_of(request), tongue, view)

    async def _list(self, user_id: str, language: Language, view: View) -> Updates:
        # Gradio takes an empty dictionary for no answer at all, and calls that a fault.
        return {self._on.done: gr.skip(), **await self._shown.list(user_id, language, view)}

    async def found(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Open what a search has found, on the branch where the words stand."""
        conversation_id, message_id = str(event.id), str(event.message)
        view.drawn.sought = message_id
        with suppress(NotFound):  # opening says what is gone
            if message_id:
                await self._conversations.show(user_of(request), conversation_id, message_id)
                view.drawn.sought = message_id
        return await self._shown.open(conversation_id, language, view, request)

    async def rename(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Give a conversation another title. Nothing is lost when two do it at once."""
        user, tongue = user_of(request), Language(language)
        conversation_id, title, said = str(event.id), str(event.title), ""
        try:
            await self._conversations.rename(
                user, conversation_id, title=title, seen=str(event.seen)
            )
        except RenamedMeanwhile as error:
            theirs = str(error.values["title"])
            said = sidebar.renamed_meanwhile(
                conversation_id, title=title, theirs=theirs, language=tongue
            )
        except AppError as error:
            said = self._shown.why(error, tongue)
        return {self._on.done: said, **await self._shown.list(user, tongue, view)}

    async def pin(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Keep a conversation at the top, or no longer."""
        user, tongue, said = user_of(request), Language(language), ""
        try:
            await self._conversations.pin(user, str(event.id), pinned=bool(event.pinned))
        except AppError as error:
            said = self._shown.why(error, tongue)
        return {self._on.done: said, **await self._shown.list(user, tongue, view)}

    async def delete(
        self,
        event: gr.EventData,
        conversation_id: str,
        language: str,
        view: View,
        request: gr.Request,
    ) -> Updates:
        """Take a conversation off the list at once, with ten seconds to undo."""
        user, tongue, gone = user_of(request), Language(language), str(event.id)
        is_open = gone == conversation_id
        try:
            title = (await self._conversations.version(user, gone)).title
            await self._conversations.delete(user, gone)
        except AppError as error:
            said = self._shown.why(error, tongue)
            return {self._on.done: said, **await self._shown.list(user, tongue, view)}
        said = sidebar.deleted(gone, title, tongue, was_open=is_open)
        if is_open:
            return {**await self._shown.open("", language, view, request), self._on.done: said}
        return {self._on.done: said, **await self._shown.list(user, tongue, view)}

    async def restore(
        self,
        event: gr.EventData,
        conversation_id: str,
        language: str,
        view: View,
        request: gr.Request,
    ) -> Updates:
        """Undo `delete`; what was open is opened again, unless something else is by now."""
        user, tongue, back, said = user_of(request), Language(language), str(event.id), ""
        try:
            await self._conversations.restore(user, back)
        except NotFound:
            said = chrome.refused(text(tongue, "too-late"))
        except AppError as error:
            said = self._shown.why(error, tongue)
        if event.opens and not (said or conversation_id):
            return {**await self._shown.open(back, language, view, request), self._on.done: ""}
        return {self._on.done: said, **await self._shown.list(user, tongue, view)}

    async def imported(
        self,
        event: gr.EventData,
        conversation_id: str,
        language: str,
        view: View,
        request: gr.Request,
    ) -> Updates:
        """The browser has sent a file to be imported: say how it went, open what it brought."""
        tongue = Language(language)
        if event.code:
            said = _not_imported(str(event.code), str(event.why), tongue)
            return {self._on.done: chrome.refused(said)}
        view.words = ""
        opened = await self._shown.open(str(event.first), language, view, request)
        return {**opened, self._on.done: sidebar.imported(int(event.count), tongue)}

    async def tick(
        self, conversation_id: str, language: str | None, view: View, request: gr.Request
    ) -> Updates:
        """Keep the model's state and the list's dots true; a list that is the same is not sent."""
        user, tongue = user_of(request), language_of(language, request)
        shown = self._shown.state(tongue, view, temporary=view.is_temporary(conversation_id))
        shown |= self._shown.defaults(tongue, view)
        shown |= await self._shown.behind(conversation_id, view, request)
        if view.words:
            return shown
        return shown | await self._shown.list(user, tongue, view, tick=True)


def _not_imported(code: str, why: str, language: Language) -> str:
    """The sentence for a file that was refused."""
    if code == "too_large":
        return text(language, "import-too-large", limit=MAX_IMPORT_BYTES // 2**20)
    if code in BROKEN:
        return broken_file(code, why, language)
    if code in (StoreFailed.code, AppError.code):
        return refusal(language, code, {})
    return text(language, "import-failed")
