"""Shared by the handlers: the user of a request, and the page after an event."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from chat.accounts.models import Account, User
from chat.conversations.models import TEMPORARY, Attachment
from chat.conversations.presets import Presets
from chat.conversations.service import ConversationView
from chat.errors import AppError, NotFound
from chat.models import ChatOptions, Role, Sampling
from chat.serving.errors import EngineNotReady
from chat.serving.models import EngineInfo
from i18n import Language, choose_language
from ui import campaign, chrome, composing, sidebar
from ui.components import Components, Updates
from ui.handlers import turns
from ui.html import html
from ui.i18n import refusal, text
from ui.rating import Ratings
from ui.services import Services
from ui.view import ChosenPreset, HeldFile, View

PRESET_LINK = "preset="
"""The prefix of a preset's id in an address that begins a chat with it."""

CAMPAIGN_LINK = "campaign="
"""The prefix of a campaign's id."""

FOUND = 50
"""Conversations that a search shows at most."""


def user_of(request: gr.Request) -> User:
    """The user of this event's own HTTP request, as the edge found it."""
    user = request.state.signed_in.user
    assert isinstance(user, User)
    return user


def user_id_of(request: gr.Request) -> str:
    """The id of the request's user."""
    return user_of(request).id


def address_of(request: gr.Request) -> str:
    """The network address of the client, as the edge determined it; empty if there is none."""
    return str(request.client.host) if request.client else ""


def language_of(remembered: str | None, request: gr.Request) -> Language:
    """The language chosen before, else the browser's."""
    return choose_language(remembered, request.headers.get("accept-language", ""))


def view_of(value: object) -> View:
    """The tab's view among a handler's input values."""
    assert isinstance(value, View)
    return value


class PageState:
    """The page as updates of its components. Every conversation is asked for by its user."""

    def __init__(self, services: Services, components: Components, *, open_to_network: bool):
        self.services = services
        self.on = components
        self._open_to_network = open_to_network

    async def look(
        self, conversation_id: str, language: Language, view: View, request: gr.Request
    ) -> tuple[Updates, ChatOptions | None]:
        """A conversation, or the empty page, and its settings; a note if it cannot be read."""
        view.turn()
        user = user_of(request)
        try:
            opened = await self.services.conversations.open(user.id, conversation_id)
        except NotFound as error:
            gone = {self.on.note: self.why(error, language)} if conversation_id else {}
            return await self.empty(user, language, view) | gone, ChatOptions()
        except AppError as error:
            return self.state(language, view, temporary=view.is_temporary(conversation_id)) | {
                self.on.note: self.why(error, language)
            }, None
        # Testers must not see a campaign's settings: they would reveal the variant.
        kept = opened.conversation
        options = ChatOptions() if kept.campaign_id else kept.options
        await self.remember(user.id, options, view)
        return await self.conversation_page(user, opened, language, view), options

    async def open(
        self,
        conversation_id: str,
        language: str,
        view: View,
        request: gr.Request,
        *,
        temporary: bool = False,
    ) -> Updates:
        """A conversation with its settings, or the empty page when there is none of that id.

        A conversation that begins on a `temporary` empty page is not stored.
        """
        view.temporary = temporary
        view.options, view.chosen = ChatOptions(), None
        address, preset_id = conversation_id, ""
        if conversation_id.startswith(PRESET_LINK):
            address, preset_id = "", conversation_id.removeprefix(PRESET_LINK)
        if conversation_id.startswith(CAMPAIGN_LINK):
            address, view.campaign_id = "", conversation_id.removeprefix(CAMPAIGN_LINK)
        elif temporary or preset_id:
            view.campaign_id = ""
        why = await self._begin_with(preset_id, Language(language), view, request)
        updates, readable = await self.look(address, Language(language), view, request)
        if not readable:
            return updates
        settings = self.on.show_options(view.options) | self.composer(Language(language), view)
        return updates | settings | ({self.on.note: why} if why else {})

    async def _begin_with(
        self, preset_id: str, language: Language, view: View, request: gr.Request
    ) -> str:
        """Select a preset for the tab; return the error as a sentence, or an empty text."""
        if not preset_id:
            return ""
        try:
            preset = await self.services.presets.get(user_id_of(request), preset_id)
        except AppError as error:
            return self.no_preset(error, language)
        await self.remember(user_id_of(request), Presets.options_of(preset), view)
        return ""

    async def remember(self, user_id: str, options: ChatOptions, view: View) -> None:
        """Keep these settings in the tab's view, with the preset they began with."""
        view.options, view.chosen = options, await self._chosen(user_id, options)

    def composer(self, language: Language, view: View) -> Updates:
        """The parts around the message box."""
        return self.chips(language, view) | {self.on.files: composing.files(view.files, language)}

    def chips(self, language: Language, view: View) -> Updates:
        """The buttons below the box, and what the settings panel has no field for."""
        info = self._info(view)
        view.defaults = info.defaults if info else None
        defaults = view.defaults or Sampling()
        return {
            self.on.chips: composing.chips(view.options, view.chosen, defaults, language),
            self.on.without_field: composing.without_field(view.options.sampling, language),
        }

    def defaults(self, language: Language, view: View) -> Updates:
        """The model's own settings, for a page that was opened before the model was known."""
        info = self._info(view)
        if info is None or info.defaults == view.defaults:
            return {}
        return self.chips(language, view) | self.on.show_defaults(info.defaults, language)

    async def held(self, held: HeldFile) -> HeldFile:
        """A file for the composer, with its token count if the model is ready."""
        try:
            return replace(held, tokens=await self.services.answers.count_file(held.file))
        except EngineNotReady:
            return held

    async def attach_again(
        self, attachments: Iterable[Attachment], language: Language, view: View
    ) -> Updates:
        """Attach the files of a question that goes back into the box."""
        for file in attachments:
            view.files[uuid.uuid4().hex] = await self.held(HeldFile(file))
        return {self.on.files: composing.files(view.files, language, with_text=True)}

    def detach(
        self, attachments: Collection[Attachment], language: Language, view: View
    ) -> Updates:
        """Remove these files from the box, because their question was restored."""
        view.files = {key: held for key, held in view.files.items() if held.file not in attachments}
        return {self.on.files: composing.files(view.files, language)}

    async def begun(
        self,
        conversation_id: str,
        values: Mapping[Component, object],
        request: gr.Request,
        account: Account | None = None,
    ) -> Updates:
        """The page after an answer was begun there; a note if it cannot be read just now.

        `account`: the account of the user, if this event has read it already.
        """
        user, language = user_of(request), Language(str(values[self.on.language]))
        view = view_of(values[self.on.view])
        view.turn()
        try:
            opened = await self.services.conversations.open(user.id, conversation_id)
        except AppError as error:
            return {self.on.bridge: conversation_id, self.on.note: self.why(error, language)}
        return await self.conversation_page(user, opened, language, view, account)

    async def empty(self, user: User, language: Language, view: View) -> Updates:
        """The page without a conversation."""
        on, tasks = self.on, await self.tasks(user, language, view)
        return {
            **tasks,
            **self.state(language, view, temporary=view.temporary),
            on.note: "",
            **await self.list(user.id, language, view),
            on.bridge: "",
            on.welcome: gr.update(
                value=self._welcome(language, view, temporary=view.temporary), visible=True
            ),
            **turns.no_turns(on, view),
        }

    async def conversation_page(
        self,
        user: User,
        opened: ConversationView,
        language: Language,
        view: View,
        account: Account | None = None,
    ) -> Updates:
        """The page with a conversation."""
        on = self.on
        view.campaign_id = opened.conversation.campaign_id
        ratings = await self.ratings(user.id, opened)
        tasks = await self.tasks(user, language, view, account)
        return {
            **self.state(language, view, temporary=view.is_temporary(opened.conversation.id)),
            on.note: "",
            **await self.list(user.id, language, view),
            **tasks,
            on.bridge: opened.conversation.id,
            on.welcome: gr.update(visible=False),
            **await turns.all_turns(on, opened, language, view, ratings),
        }

    async def ratings(self, user_id: str, opened: ConversationView) -> Ratings | None:
        """The user's ratings of the answers there; None where answers cannot be rated."""
        if opened.conversation.id.startswith(TEMPORARY):
            return None
        answers = [item.id for item in opened.messages if item.role is Role.ASSISTANT]
        try:
            return await self.services.ratings.newest(user_id, answers)
        except AppError:  # the next update will show them
            return None

    async def tasks(
        self, user: User, language: Language, view: View, account: Account | None = None
    ) -> Updates:
        """The tasks of the campaign that the tab is in; a guest of one is always in it."""
        current, view.conceals = self.services.participation.current, None
        try:
            visit = await current(user, view.campaign_id, account)
        except NotFound:
            view.campaign_id, view.conceals, view.campaign = "", False, None
            return {self.on.tasks: ""}
        except AppError:  # the next update will show them
            return {}
        view.conceals = visit is not None and visit.campaign.plan.conceals_variants
        view.campaign = visit.campaign if visit else None
        if visit is None:
            return {self.on.tasks: ""}
        view.campaign_id = visit.campaign.id
        view.temporary = False  # conversations of a campaign are always stored
        return {self.on.tasks: campaign.panel(visit, user, language)}

    def words(self, language: Language, view: View, request: gr.Request) -> Updates:
        """The parts that are drawn once for a language and a user."""
        info, user = self._info(view), user_of(request)
        words = self.on.in_language(
            language, info.defaults if info else Sampling(), user, sharing=self.services.sharing
        )
        return words | {self.on.tools: chrome.tools(language)}

    async def list(
        self, user_id: str, language: Language, view: View, *, tick: bool = False
    ) -> Updates:
        """The conversation list, or the search results; a note if they cannot be read.

        A list that equals the one of the last tick is not sent again. Only updates of a tick are
        sure to arrive: those of other events may be dropped when the tab opens something else.
        """
        before, view.ticked = view.ticked, None
        try:
            if view.words:
                return {self.on.conversations: await self._found(user_id, language, view.words)}
            recent = await self.services.conversations.recent(
                user_id, limit=view.listed + 1, folder=view.folder
            )
        except AppError as error:
            return {self.on.note: self.why(error, language)}
        live, now = self.services.answers.being_answered(user_id), datetime.now().astimezone()
        listing = (view.folder, recent, live, now.date(), language)
        view.ticked = listing if tick or listing == before else None
        if listing == before:
            return {}
        markup = sidebar.conversation_list(
            recent[: view.listed],
            live=live,
            now=now,
            language=language,
            more=len(recent) > view.listed,
            folder=view.folder,
        )
        return {self.on.conversations: markup}

    def state(self, language: Language, view: View, *, temporary: bool) -> Updates:
        """The model's state, and whether the conversation is temporary."""
        info, state = self._info(view), self.services.engine.state
        return {
            self.on.header: chrome.header(
                info,
                state,
                language,
                temporary=temporary,
                chosen=view.chosen,
                concealed=view.conceals is not False,
            ),
            self.on.welcome: gr.update(value=self._welcome(language, view, temporary=temporary)),
            self.on.banners: chrome.banners(
                info, language, open_to_network=self._open_to_network, campaign=view.campaign
            ),
        }

    async def behind(self, conversation_id: str, view: View, request: gr.Request) -> Updates:
        """A call to catch up, when another tab has changed this tab's conversation.

        A tab with a running stream gets the change anyway. Title and settings are ignored: they are
        drawn elsewhere, and the user may be editing the settings.
        """
        seen = view.drawn.seen
        if seen is None or view.listening or view.drawn.conversation_id != conversation_id:
            return {}
        try:
            version = await self.services.conversations.version(
                user_id_of(request), conversation_id
            )
        except NotFound:
            version = None
        except AppError:  # the next tick tries again
            return {}
        if version and version.has_messages_of(seen):
            return {}
        view.calls += 1
        return {self.on.behind: html("transcript.calls", number=view.calls)}

    @staticmethod
    def why(error: AppError, language: Language) -> Markup:
        """The error as a sentence above the box."""
        return chrome.refused(refusal(language, error.code, error.values), error.code)

    @staticmethod
    def no_preset(error: AppError, language: Language) -> Markup:
        """`why` for presets: a missing preset has another text than a missing conversation."""
        if isinstance(error, NotFound):
            return PageState.refused(text(language, "preset-gone"))
        return PageState.why(error, language)

    @staticmethod
    def refused(sentence: str) -> Markup:
        """A sentence above the box; an empty one removes the current one."""
        return chrome.refused(sentence) if sentence else Markup()

    def _info(self, view: View) -> EngineInfo | None:
        """The model that the tab may know of."""
        return self.services.engine.info if view.conceals is False else None

    def _welcome(self, language: Language, view: View, *, temporary: bool) -> str:
        return chrome.welcome(
            self._info(view),
            self.services.engine.state,
            language,
            temporary=temporary,
            in_campaign=bool(view.campaign_id),
            chosen=view.chosen,
        )

    async def _chosen(self, user_id: str, options: ChatOptions) -> ChosenPreset | None:
        if options.preset is None:
            return None
        get = self.services.presets.get
        try:
            preset = await get(user_id, options.preset.id, options.preset.version)
            newest = await get(user_id, options.preset.id)
        except AppError:  # no longer shared, or unreadable: the settings themselves are kept
            return None
        return ChosenPreset(preset, newest.ref.version)

    async def _found(self, user_id: str, language: Language, words: str) -> str:
        hits = await self.services.conversations.search(user_id, words, limit=FOUND + 1)
        return sidebar.results(hits[:FOUND], language, more=len(hits) > FOUND)
