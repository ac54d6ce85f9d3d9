"""Campaigns for their hosts: the list, one campaign with its live counts, and the plan's form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from chat.accounts.access import sees
from chat.accounts.models import LOCAL, GuestLink, User
from chat.campaigns.models import Campaign, CampaignCounts, Comparison, Mode, Plan, Variant
from chat.campaigns.validation import engines_of
from pages.accounts.users import GUEST_LINK_DEFAULTS
from pages.campaigns.choices import PlanOptions
from pages.campaigns.plan_form import plan_values
from pages.host_nav import render_host_page
from pages.html import PageLocale
from pages.sharing import SharedView

SCRIPT = "campaigns.js"


@dataclass(frozen=True, slots=True)
class CampaignState:
    """Whether a campaign is open: the key of the text, and the time of the next change."""

    key: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedCampaign:
    """A campaign in the list."""

    campaign: Campaign
    state: CampaignState


@dataclass(frozen=True, slots=True)
class ListedGuestLink:
    """A guest link of a campaign. `can_revoke`: it is the user's own, or an administrator asks."""

    link: GuestLink
    can_revoke: bool


def campaigns_page(
    locale: PageLocale, user: User, campaigns: Sequence[Campaign], now: datetime
) -> Markup:
    """The user's own campaigns, or all of them for an administrator."""
    rows = [ListedCampaign(campaign, _state(campaign, now)) for campaign in campaigns]
    return render_host_page("campaigns/campaigns.html", locale, user, rows=rows)


def campaign_page(  # noqa: PLR0913 - the values of the page, by name
    locale: PageLocale,
    user: User,
    campaign: Campaign,
    *,
    counts: CampaignCounts,
    waiting: int,
    links: Sequence[GuestLink],
    shared: SharedView,
    skipped: Sequence[Comparison] = (),
    now: datetime,
    results: Markup | None = None,
    variants: Markup | None = None,
    engines: Sequence[str] = (),
    live: Markup | None = None,
) -> Markup:
    """One campaign. `waiting` is the length of the queue of all users, `shared` its own address.

    `skipped` have no vote; `results`, `variants`, `live` are sections; `engines` those that serve.
    """
    return render_host_page(
        "campaigns/campaign.html",
        locale,
        user,
        heading=campaign.plan.title,
        script=SCRIPT,
        campaign=campaign,
        state=_state(campaign, now),
        missing_engines=sorted(engines_of(campaign.plan).difference(engines)),
        counts=_listed_counts(campaign, counts, waiting),
        skipped=skipped,
        results=results or "",
        variants=variants or "",
        live=live or "",
        plan_items=_plan_items(campaign.plan, with_variants=not variants),
        has_links=user != LOCAL,
        shared=shared,
        links=[ListedGuestLink(link, sees(user, link)) for link in links],
        defaults=GUEST_LINK_DEFAULTS,
    )


def edit_page(  # noqa: PLR0913 - the values of the page, by name
    locale: PageLocale,
    user: User,
    plan: Plan,
    choices: PlanOptions,
    *,
    campaign_id: str = "",
    in_use: bool = False,
    is_draft: bool = False,
) -> Markup:
    """The form of a plan; without an id it makes a new campaign.

    `in_use`: there are testers, so that much of the plan can no longer be changed.
    `is_draft`: it was not opened yet.
    """
    api = f"/api/campaigns/{campaign_id}" if campaign_id else "/api/campaigns"
    drafts = f"{api}/draft" if is_draft else "" if campaign_id else f"{api}/drafts"
    return render_host_page(
        "campaigns/edit.html",
        locale,
        user,
        title="campaign-edit" if campaign_id else "campaign-new",
        script="plan.js",
        path=api,
        drafts=drafts,
        campaign_id=campaign_id,
        in_use=in_use,
        **plan_values(locale, plan, choices),
    )


def _state(campaign: Campaign, now: datetime) -> CampaignState:
    starts, ends = campaign.plan.starts_at, campaign.end
    if campaign.is_draft:
        return CampaignState("state-draft", None)
    if ends and ends <= now:
        return CampaignState("state-ended", ends)
    if starts and starts > now:
        return CampaignState("state-from", starts)
    return CampaignState("state-open", ends)


def _listed_counts(
    campaign: Campaign, counts: CampaignCounts, waiting: int
) -> Sequence[tuple[str, int]]:
    compares = campaign.plan.mode is Mode.BLIND
    names = ["came", "consented", "active", "finished", "dropped_out", "questions"]
    names += ["votes", "skipped", "unvoted"] if compares else ["up", "down"]
    names += ["failures"]
    return [*((name, getattr(counts, name)) for name in names), ("waiting", waiting)]


def _plan_items(plan: Plan, *, with_variants: bool) -> Sequence[tuple[str, Sequence[str]]]:
    """The texts of a plan by the keys of their headings."""
    return [
        ("field-variants", [_variant(one) for one in plan.variants] if with_variants else []),
        ("field-tasks", [task.title for task in plan.tasks]),
        ("field-survey", [question.text for question in plan.survey]),
        ("field-reasons", plan.reasons),
        ("field-consent", [plan.consent] if plan.consent else []),
    ]


def _variant(variant: Variant) -> str:
    return f"{variant.name} · {variant.engine}" if variant.engine else variant.name
