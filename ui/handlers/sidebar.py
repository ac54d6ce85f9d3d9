"""The list of conversations, and the actions on a conversation."""

from contextlib import suppress

import gradio as gr

from chat.conversations.errors import RenamedMeanwhile
from chat.conversations.models import Folder
from chat.conversations.validation import MAX_IMPORT_BYTES, check_search
from chat.errors import AppError, NotFound, StoreFailed
from i18n import Language
from ui import chrome, sidebar
from ui.broken_file import BROKEN, broken_file
from ui.components import Updates
from ui.handlers.concealment import learn
from ui.handlers.page_state import PageState, language_of, user_id_of
from ui.i18n import refusal, text
from ui.view import LISTED, MOST_LISTED, View


class Sidebar:
    """The events of the sidebar, and the tick that keeps the page up to date."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._on = page.on
        self._conversations = page.services.conversations

    async def new_chat(self, language: str, view: View, request: gr.Request) -> Updates:
        """An empty page, with the settings at their defaults."""
        view.folder = Folder.CHATS
        return await self._page.open("", language, view, request)

    async def temporary(self, language: str, view: View, request: gr.Request) -> Updates:
        """An empty page whose conversation is not stored."""
        view.folder = Folder.CHATS
        return await self._page.open("", language, view, request, temporary=True)

    async def folder(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """List the chats, the archive or the trash."""
        view.folder, view.words, view.listed = Folder(str(event.folder)), "", LISTED
        updates = await self._list(user_id_of(request), Language(language), view)
        return updates | {self._on.search: sidebar.search_field(Language(language))}

    async def archive(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Move a conversation to the archive, or back to the chats."""
        user_id, lang, moved = user_id_of(request), Language(language), str(event.id)
        archived = bool(event.archived)
        try:
            title = (await self._conversations.version(user_id, moved)).title
            await self._conversations.set_archived(user_id, moved, archived=archived)
            notice = sidebar.archived(moved, title, lang, archived=archived)
        except AppError as error:
            notice = self._page.why(error, lang)
        return {self._on.list_notice: notice, **await self._page.list(user_id, lang, view)}

    async def destroy(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Destroy one conversation of the trash, or all if none is named."""
        user_id, lang, gone = user_id_of(request), Language(language), str(event.id)
        try:
            if gone:
                await self._conversations.destroy(user_id, gone)
                count = 1
            else:
                count = await self._conversations.empty_trash(user_id)
            notice = sidebar.destroyed(count, lang)
        except AppError as error:
            notice = self._page.why(error, lang)
        return {self._on.list_notice: notice, **await self._page.list(user_id, lang, view)}

    async def more(self, language: str, view: View, request: gr.Request) -> Updates:
        """Show older conversations as well."""
        view.listed = min(2 * view.listed, MOST_LISTED)
        return await self._list(user_id_of(request), Language(language), view)

    async def search(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Search for these words; without any, the list again."""
        lang = Language(language)
        try:
            words = view.words = check_search(str(event.words))
        except AppError as error:
            return {self._page.on.note: self._page.why(error, lang)}
        updates = await self._list(user_id_of(request), lang, view)
        # Searches run side by side: the result of earlier words must not replace a newer one.
        return updates if view.words == words else {self._on.list_notice: gr.skip()}

    async def _list(self, user_id: str, language: Language, view: View) -> Updates:
        # Gradio treats an empty dictionary as a missing result, which is an error.
        return {self._on.list_notice: gr.skip(), **await self._page.list(user_id, language, view)}

    async def found(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Open a search result, on the branch that contains the words."""
        conversation_id, message_id = str(event.id), str(event.message)
        view.drawn.sought = message_id
        with suppress(NotFound):  # `open` below reports a missing conversation
            if message_id:
                await self._conversations.show(user_id_of(request), conversation_id, message_id)
                view.drawn.sought = message_id
        return await self._page.open(conversation_id, language, view, request)

    async def rename(
        self, event: gr.EventData, language: str, view: View, request: gr.Request
    ) -> Updates:
        """Rename a conversation. Of two concurrent renames the second is offered both titles."""
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
        """Pin a conversation to the top, or unpin it."""
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
        """Move a conversation to the trash, with a notice to undo it at once."""
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
        """Undo `delete`; if it was open, open it again, unless another conversation is open."""
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
        """The browser has imported a file: report the result, open the first conversation."""
        lang = Language(language)
        if event.code:
            notice = _not_imported(str(event.code), str(event.why), lang)
            return {self._on.list_notice: chrome.refused(notice)}
        view.words = ""
        opened = await self._page.open(str(event.first), language, view, request)
        notice = sidebar.imported(
            int(event.count),
            lang,
            left_out=event.left_out,
            not_read=event.not_read,
            not_read_count=int(event.not_read_count),
        )
        return {**opened, self._on.list_notice: notice}

    async def tick(
        self, conversation_id: str, language: str | None, view: View, request: gr.Request
    ) -> Updates:
        """Update the model's state and the list; an unchanged list is not sent."""
        user_id, lang = user_id_of(request), language_of(language, request)
        await learn(self._page.services, conversation_id, view, request)
        updates = self._page.state(lang, view, temporary=view.is_temporary(conversation_id))
        updates |= self._page.defaults(lang, view)
        updates |= await self._page.behind(conversation_id, view, request)
        if view.words:
            return updates
        return updates | await self._page.list(user_id, lang, view, tick=True)


def _not_imported(code: str, why: str, language: Language) -> str:
    """The sentence for a file that was refused."""
    if code in ("too_large", "zip_too_large"):
        key = f"import-{code.replace('_', '-')}"
        return text(language, key, limit=MAX_IMPORT_BYTES // 2**20)
    if code in BROKEN:
        return broken_file(code, why, language)
    if code in (StoreFailed.code, AppError.code):
        return refusal(language, code, {})
    return text(language, "import-failed")
