"""The dashboard's events."""

from typing import Any

import gradio as gr
from gradio.components import Component

from chat.accounts.models import User
from chat.errors import AppError, NotFound
from chat.feedback.dashboard import Dashboard
from chat.feedback.dashboard_models import Overview, Period
from i18n import Language
from ui.dashboard import Board, head, key_of_reasons, plots, sums
from ui.handlers.page_state import language_of, user_of
from ui.i18n import refusal, text


class DashboardPanel:
    """Draws the figures. Inputs are unchecked: an unknown choice means the default."""

    def __init__(self, figures: Dashboard, board: Board) -> None:
        self._figures = figures
        self._on = board

    async def draw(
        self, language: str | None, campaign_id: str | None, period: str | None, request: gr.Request
    ) -> dict[Component, Any]:
        """All figures of a period, of one campaign or of all that the user may see."""
        lang, user = language_of(language, request), user_of(request)
        chosen = Period(period) if period in set(Period) else Period.DAY
        asked = campaign_id if isinstance(campaign_id, str) else ""
        try:
            overview = await self._figures.overview(user, asked, chosen)
            choices = await self._choices(user, lang)
        except NotFound:
            return {self._on.head: head(lang, text(lang, "no-figures"))}
        except AppError as error:
            return {self._on.head: head(lang, refusal(lang, error.code, error.values))}
        return (
            {self._on.head: head(lang)}
            | self._filters(lang, choices, asked, chosen)
            | self._figures_of(lang, overview)
        )

    async def _choices(self, user: User, language: Language) -> list[tuple[str, str]]:
        campaigns = await self._figures.campaigns(user)
        opened = [campaign for campaign in campaigns if not campaign.is_draft]
        own = [(campaign.plan.title, campaign.id) for campaign in opened]
        return [(text(language, "all-campaigns"), ""), *own]

    def _filters(
        self, language: Language, choices: list[tuple[str, str]], campaign_id: str, period: Period
    ) -> dict[Component, Any]:
        periods = [(text(language, f"period-{item}"), item.value) for item in Period]
        return {
            self._on.language: gr.update(value=language.value, label=text(language, "language")),
            self._on.campaign: gr.update(
                choices=choices, value=campaign_id, label=text(language, "filter-campaign")
            ),
            self._on.period: gr.update(
                choices=periods, value=period.value, label=text(language, "filter-period")
            ),
            self._on.refresh: gr.update(value=text(language, "refresh")),
        }

    def _figures_of(self, language: Language, overview: Overview) -> dict[Component, Any]:
        texts: dict[Component, Any] = {
            self._on.sums: sums(language, overview),
            self._on.reasons: key_of_reasons(language, overview),
        }
        return texts | plots(language, self._on.plots, overview)
