"""The actions on messages: retry, continue, edit, select a version, delete, undo."""

from collections.abc import Awaitable, Mapping

import gradio as gr
from gradio.components import Component

from chat.conversations.models import Question
from chat.conversations.service import Removed
from chat.conversations.tree import Tree
from chat.errors import AppError, NotFound
from chat.models import Role
from i18n import Language
from ui import chrome, message_footer
from ui.components import Updates
from ui.handlers.composer import request_id
from ui.handlers.page_state import PageState, address_of, user_id_of, view_of
from ui.i18n import text

Values = Mapping[Component, object]


class Versions:
    """The events of the buttons below a message. Each returns the updated page."""

    def __init__(self, page: PageState) -> None:
        self._page = page
        self._on = page.on
        self._conversations = page.services.conversations
        self._answers = page.services.answers

    async def retry(self, event: gr.EventData, values: Values, request: gr.Request) -> Updates:
        """Write another version of an answer, with the settings as they are now."""
        user_id, conversation_id = self._place(values, request)

        async def again() -> None:
            await self._conversations.set_options(
                user_id, conversation_id, self._on.options(values)
            )
            await self._answers.retry(
                user_id,
                conversation_id=conversation_id,
                message_id=str(event.message),
                address=address_of(request),
            )

        return await self._after(again(), values, request)

    async def go_on(self, event: gr.EventData, values: Values, request: gr.Request) -> Updates:
        """Continue an answer that ended too early, as another version of it."""
        user_id, conversation_id = self._place(values, request)
        going = self._answers.go_on(
            user_id,
            conversation_id=conversation_id,
            message_id=str(event.message),
            address=address_of(request),
        )
        return await self._after(going, values, request)

    async def show(self, event: gr.EventData, values: Values, request: gr.Request) -> Updates:
        """Select another version of a message, with the messages that follow it."""
        user_id, conversation_id = self._place(values, request)
        showing = self._conversations.show(user_id, conversation_id, str(event.message))
        return await self._after(showing, values, request)

    async def edit(self, event: gr.EventData, values: Values, request: gr.Request) -> Updates:
        """Send an edited question as a new version, or save an edited answer as one.

        A refused text stays in the field: the transcript is not redrawn then.
        """
        user_id, conversation_id = self._place(values, request)

        async def save() -> None:
            # Of all branches: another tab may have gone on to another one.
            archive = await self._conversations.archive(user_id, conversation_id)
            message = Tree(archive.messages).message(str(event.message))
            if message.role is Role.ASSISTANT:
                await self._conversations.edit_answer(
                    user_id,
                    conversation_id=conversation_id,
                    message_id=message.id,
                    text=str(event.text),
                )
                return
            question = Question(
                str(event.text),
                request_id(event.request),
                attachments=message.attachments,
                beside=message.id,
            )
            options = self._on.options(values)
            await self._answers.send(
                user_id,
                conversation_id=conversation_id,
                question=question,
                options=options,
                address=address_of(request),
            )

        return await self._after(save(), values, request, keep=True)

    async def delete_turn(
        self, event: gr.EventData, values: Values, request: gr.Request
    ) -> Updates:
        """Delete a question with its answers; the turns after it stay."""
        user_id, conversation_id = self._place(values, request)
        removing = self._conversations.delete_turn(user_id, conversation_id, str(event.message))
        return await self._after_removing(removing, values, request)

    async def delete_branch(
        self, event: gr.EventData, values: Values, request: gr.Request
    ) -> Updates:
        """Delete a message with all that follow it."""
        user_id, conversation_id = self._place(values, request)
        removing = self._conversations.delete_branch(user_id, conversation_id, str(event.message))
        return await self._after_removing(removing, values, request)

    async def undo_turn(self, values: Values, request: gr.Request) -> Updates:
        """Delete the newest turn; its question goes back into the box, before the text there."""
        user_id, conversation_id = self._place(values, request)
        removing = self._conversations.undo_turn(user_id, conversation_id)
        updates = await self._after_removing(removing, values, request)
        removed = view_of(values[self._on.view]).removed
        if self._on.bridge in updates and removed is not None:
            typed = str(values[self._on.message] or "")
            parts = [part for part in (removed.question, typed) if part]
            updates[self._on.message] = "\n\n".join(parts)
            view, language = view_of(values[self._on.view]), str(values[self._on.language])
            updates |= await self._page.attach_again(removed.attachments, Language(language), view)
        return updates

    async def undo(self, values: Values, request: gr.Request) -> Updates:
        """Restore the last deletion."""
        view = view_of(values[self._on.view])
        user_id, conversation_id = self._place(values, request)
        removed = view.removed
        if removed is None or removed.conversation_id != conversation_id:
            return {self._on.note: ""}
        restoring = self._conversations.restore_messages(user_id, removed)
        updates = await self._after(restoring, values, request, gone="too-late")
        if values[self._on.message] == removed.question:
            language = Language(str(values[self._on.language]))
            updates[self._on.message] = ""
            updates |= self._page.detach(removed.attachments, language, view)
        view.removed = None
        return updates

    def _place(self, values: Values, request: gr.Request) -> tuple[str, str]:
        return user_id_of(request), str(values[self._on.bridge])

    async def _after(
        self,
        doing: Awaitable[object],
        values: Values,
        request: gr.Request,
        *,
        keep: bool = False,
        gone: str = "version-gone",
    ) -> Updates:
        """The page after an action, or the reason why it failed.

        A missing message was deleted in another tab: the page is redrawn, unless it must `keep` a
        text that is being edited.
        """
        language = Language(str(values[self._on.language]))
        conversation_id = str(values[self._on.bridge])
        view_of(values[self._on.view]).kept = keep
        try:
            await doing
        except NotFound:
            why: Updates = {self._on.note: chrome.refused(text(language, gone))}
            if keep:
                return why
            updates = await self._page.begun(conversation_id, values, request)
            return updates | why if self._on.newest in updates else updates
        except AppError as error:
            return {self._on.note: self._page.why(error, language)}
        view_of(values[self._on.view]).kept = False
        return await self._page.begun(conversation_id, values, request)

    async def _after_removing(
        self, removing: Awaitable[Removed], values: Values, request: gr.Request
    ) -> Updates:
        """The page after messages were deleted, with ten seconds to undo."""
        language, view = Language(str(values[self._on.language])), view_of(values[self._on.view])

        done: list[Removed] = []

        async def remove() -> None:
            done.append(await removing)

        updates = await self._after(remove(), values, request)
        view.removed = done[0] if done else None
        if not done:
            return updates
        return updates | {self._on.note: message_footer.removed(len(done[0].ids), language)}
