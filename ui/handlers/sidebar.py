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
from ui.handlers.page_state import PageState, language_of, user_id_of
from ui.i18n import refusal, text
from ui.view import MOST_LISTED, View


class Sidebar:
    """The events of the left side, and the tick that keeps the page true."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._on = page.on
        self._conversations = page.services.conversations

    async def new_chat(self, language: str, view: View, request: gr.Request) -> Updates:
        """An empty page, with the settings at their defaults."""
        return await self._page.open("", language, view, request)

    async def temporary(self, language: str, view: View, request: gr.Request) -> Updates:
        """An empty page on which nothing that is begun leaves a trace."""
        return await self._page.open("", language, view, request, temporary=True)

    async def more(self, language: str, view: View, request: gr.Request) -> Updates:
        """Show older conversations as well."""
        view.listed = min(2 * view.listed, MOST_LISTED)
        return await self._list(user_id_of(request), Language(language), view)

    async def search(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Show where these words stand; without any, the list again."""
        lang = Language(language)
        try:
            view.words = check_search(str(event.words))
        except AppError as error:
            return {self._page.on.note: self._page.why(error, lang)}
        return await self._list(user_id_of(request), lang, view)

    async def _list(self, user_id: str, language: Language, view: View) -> Updates:
        # Gradio takes an empty dictionary for no answer at all, and calls that a fault.
        return {self._on.list_notice: gr.skip(), **await self._page.list(user_id, language, view)}

    async def found(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Open what a search has found, on the branch where the words stand."""
        conversation_id, message_id = str(event.id), str(event.message)
        view.drawn.sought = message_id
        with suppress(NotFound):  # opening says what is gone
            if message_id:
                await self._conversations.show(user_id_of(request), conversation_id, message_id)
                view.drawn.sought = message_id
        return await self._page.open(conversation_id, language, view, request)

    async def rename(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Give a conversation another title. Nothing is lost when two do it at once."""
        user_id, lang = user_id_of(request), Language(language)
        conversation_id, title, notice = str(event.id), str(event.title), ""
        try:
            await self._conversations.rename(
                user_id, conversation_id, title=title, seen=str(event.seen)
            )
        except RenamedMeanwhile as error:
            theirs = str(error.values["title"])
            notice = sidebar.renamed_meanwhile(
                conversation_id, title=title, theirs=theirs, language=lang
            )
        except AppError as error:
            notice = self._page.why(error, lang)
        return {self._on.list_notice: notice, **await self._page.list(user_id, lang, view)}

    async def pin(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Keep a conversation at the top, or no longer."""
        user_id, lang, notice = user_id_of(request), Language(language), ""
        try:
            await self._conversations.pin(user_id, str(event.id), pinned=bool(event.pinned))
        except AppError as error:
            notice = self._page.why(error, lang)
        return {self._on.list_notice: notice, **await self._page.list(user_id, lang, view)}

    async def delete(
        self,
        event: gr.EventData,
        conversation_id: str,
        language: str,
        view: View,
        request: gr.Request,
    ) -> Updates:
        """Take a conversation off the list at once, with ten seconds to undo."""
        user_id, lang, gone = user_id_of(request), Language(language), str(event.id)
        is_open = gone == conversation_id
        try:
            title = (await self._conversations.version(user_id, gone)).title
            await self._conversations.delete(user_id, gone)
        except AppError as error:
            notice = self._page.why(error, lang)
            return {self._on.list_notice: notice, **await self._page.list(user_id, lang, view)}
        notice = sidebar.deleted(gone, title, lang, was_open=is_open)
        if is_open:
            return {
                **await self._page.open("", language, view, request),
                self._on.list_notice: notice,
            }
        return {self._on.list_notice: notice, **await self._page.list(user_id, lang, view)}

    async def restore(
        self,
        event: gr.EventData,
        conversation_id: str,
        language: str,
        view: View,
        request: gr.Request,
    ) -> Updates:
        """Undo `delete`; what was open is opened again, unless something else is by now."""
        user_id, lang, back, notice = user_id_of(request), Language(language), str(event.id), ""
        try:
            await self._conversations.restore(user_id, back)
        except NotFound:
            notice = chrome.refused(text(lang, "too-late"))
        except AppError as error:
            notice = self._page.why(error, lang)
        if event.opens and not (notice or conversation_id):
            return {
                **await self._page.open(back, language, view, request),
                self._on.list_notice: "",
            }
        return {self._on.list_notice: notice, **await self._page.list(user_id, lang, view)}

    async def imported(
        self,
        event: gr.EventData,
        conversation_id: str,
        language: str,
        view: View,
        request: gr.Request,
    ) -> Updates:
        """The browser has sent a file to be imported: say how it went, open what it brought."""
        lang = Language(language)
        if event.code:
            notice = _not_imported(str(event.code), str(event.why), lang)
            return {self._on.list_notice: chrome.refused(notice)}
        view.words = ""
        opened = await self._page.open(str(event.first), language, view, request)
        return {**opened, self._on.list_notice: sidebar.imported(int(event.count), lang)}

    async def tick(
        self, conversation_id: str, language: str | None, view: View, request: gr.Request
    ) -> Updates:
        """Keep the model's state and the list's dots true; a list that is the same is not sent."""
        user_id, lang = user_id_of(request), language_of(language, request)
        updates = self._page.state(lang, view, temporary=view.is_temporary(conversation_id))
        updates |= self._page.defaults(lang, view)
        updates |= await self._page.behind(conversation_id, view, request)
        if view.words:
            return updates
        return updates | await self._page.list(user_id, lang, view, tick=True)


def _not_imported(code: str, why: str, language: Language) -> str:
    """The sentence for a file that was refused."""
    if code == "too_large":
        return text(language, "import-too-large", limit=MAX_IMPORT_BYTES // 2**20)
    if code in BROKEN:
        return broken_file(code, why, language)
    if code in (StoreFailed.code, AppError.code):
        return refusal(language, code, {})
    return text(language, "import-failed")
