"""Campaigns for their hosts: the list, one as it goes, and the form of a plan."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from chat.accounts.models import LOCAL, AccountRole, GuestLink, User
from chat.campaigns.hosts import CampaignCounts
from chat.campaigns.models import Campaign, Mode, Plan, Variant
from chat.campaigns.validation import engines_of
from pages.accounts.people import GUEST_LINK_DEFAULTS
from pages.campaigns.choices import PlanOptions
from pages.campaigns.plan_form import plan_form
from pages.host_nav import host_page
from pages.html import ReaderContext, action, field, form, made, section, table, when

SCRIPT = "campaigns.js"


def campaigns_page(
    reader: ReaderContext, user: User, campaigns: Sequence[Campaign], now: datetime
) -> str:
    """One's own campaigns, an administrator's page has everybody's."""
    new = (
        f'<a class="button" href="{reader.link("/campaigns/new")}">{reader.say("campaign-new")}</a>'
    )
    columns = ["column-campaign", "column-mode", "column-state", "column-made"]
    rows = (
        (
            f'<a href="{reader.link(_at(campaign))}"><bdi>{escape(campaign.plan.title)}</bdi></a>',
            reader.say(f"mode-{campaign.plan.mode}"),
            _state(reader, campaign, now),
            when(campaign.created_at),
        )
        for campaign in campaigns
    )
    body = f"<p>{reader.say('campaigns-info')}</p><p>{new}</p>{table(reader, columns, rows)}"
    return host_page(reader, user, "campaigns", body)


def campaign_page(  # noqa: PLR0913 - what the page is made from, by name
    reader: ReaderContext,
    user: User,
    campaign: Campaign,
    *,
    figures: CampaignCounts,
    waiting: int,
    links: Sequence[GuestLink],
    now: datetime,
    results: str = "",
    variants: str = "",
    engines: Sequence[str] = (),
) -> str:
    """One campaign, live. `waiting` questions of all people wait; `results` and `variants`, which
    says more of them than their names, are HTML to add.

    `engines` are the names of those that serve.
    """
    body = f"<p>{_state(reader, campaign, now)} · {reader.say(f'mode-{campaign.plan.mode}')}</p>"
    body += _gone(reader, campaign.plan, engines)
    body += _actions(reader, campaign)
    body += section(reader, "campaign-progress", _figures(reader, campaign, figures, waiting))
    body += results
    body += section(reader, "campaign-way-in", _way_in(reader, user, campaign, links))
    body += section(reader, "campaign-plan", _plan(reader, campaign.plan, variants))
    heading = campaign.plan.title
    return host_page(reader, user, "campaign", body, heading=heading, script=SCRIPT)


def edit_page(
    reader: ReaderContext,
    user: User,
    plan: Plan,
    choices: PlanOptions,
    *,
    campaign_id: str = "",
    in_use: bool = False,
) -> str:
    """The form of a plan; without an id it becomes a new campaign.

    `in_use`: somebody takes part, so that much of it stays as it is.
    """
    path = f"/api/campaigns/{campaign_id}" if campaign_id else "/api/campaigns"
    body = plan_form(reader, plan, choices, path=path, in_use=in_use)
    if in_use:
        copy = reader.link(f"/campaigns/new?copy={campaign_id}")
        said = f'{reader.say("campaign-in-use")} <a href="{copy}">{reader.say("campaign-copy")}</a>'
        body = f'<p class="banner">{said}</p>{body}'
    title = "campaign-edit" if campaign_id else "campaign-new"
    return host_page(reader, user, title, body, script=SCRIPT)


# --- pieces -----------------------------------------------------------------------------------


def _at(campaign: Campaign) -> str:
    return f"/campaigns/{campaign.id}"


def _state(reader: ReaderContext, campaign: Campaign, now: datetime) -> str:
    starts, ends = campaign.plan.starts_at, campaign.end
    if ends and ends <= now:
        return f"{reader.say('state-ended')} {when(ends)}"
    if starts and starts > now:
        return f"{reader.say('state-from')} {when(starts)}"
    until = f" {reader.say('state-until')} {when(ends)}" if ends else ""
    return f"<b>{reader.say('state-open')}</b>{until}"


def _gone(reader: ReaderContext, plan: Plan, engines: Sequence[str]) -> str:
    """What keeps testers from asking: a model that a variant is asked of is not running."""
    missing = sorted(engines_of(plan).difference(engines))
    if not missing:
        return ""
    said = reader.say("campaign-engine-gone", names=", ".join(missing))
    return f'<p class="banner">{said}</p>'


def _actions(reader: ReaderContext, campaign: Campaign) -> str:
    at, api = _at(campaign), f"/api/campaigns/{campaign.id}"
    turn = "reopen" if campaign.closed_at else "close"
    links = [
        (f"{at}/edit", "campaign-edit"),
        (f"/campaigns/new?copy={campaign.id}", "campaign-copy"),
        (f"/campaign/{campaign.id}", "campaign-try"),
    ]
    body = "".join(
        f'<a class="button quiet" href="{reader.link(path)}">{reader.say(key)}</a>'
        for path, key in links
    )
    body += action(reader, f"{api}/{turn}", f"campaign-{turn}", sure=turn == "close")
    sure = reader.say("campaign-delete-sure")
    body += form(reader, f"{api}/delete", "", "campaign-delete", then="go", sure=sure)
    return f'<div class="row">{body}</div>'


def _figures(
    reader: ReaderContext, campaign: Campaign, figures: CampaignCounts, waiting: int
) -> str:
    compares = campaign.plan.mode is Mode.BLIND
    names = ["came", "consented", "active", "finished", "dropped_out", "questions"]
    names += ["votes"] if compares else ["up", "down"]
    names += ["failures"]
    shown = [(name, getattr(figures, name)) for name in names] + [("waiting", waiting)]
    cells = "".join(
        f'<div><dt title="{reader.say(f"figure-{name}-info")}">{reader.say(f"figure-{name}")}</dt>'
        f'<dd data-figure="{name}">{value}</dd></div>'
        for name, value in shown
    )
    path = reader.link(f"/api/campaigns/{campaign.id}/progress")
    return f'<dl class="figures" data-refresh="{path}">{cells}</dl>'


def _way_in(
    reader: ReaderContext, user: User, campaign: Campaign, links: Sequence[GuestLink]
) -> str:
    path = reader.link(f"/campaign/{campaign.id}")
    here = (
        f'<div class="address"><p>{reader.say("campaign-address")}</p><div class="row">'
        f'<input readonly data-address="{path}" aria-label="{reader.say("campaign-address")}">'
        f'<button type="button" class="quiet" data-copied="{reader.say("copied")}">'
        f"{reader.say('copy')}</button></div></div>"
    )
    if user == LOCAL:
        return here
    columns = ["column-label", "column-until", "column-guests", "column-messages"]
    columns += ["column-tokens", ""]
    rows = (_link_row(reader, user, link) for link in links)
    return (
        f"<p>{reader.say('campaign-links-info')}</p>{_link_form(reader, campaign)}"
        f"{made(reader, 'link-made')}{table(reader, columns, rows)}{here}"
    )


def _link_form(reader: ReaderContext, campaign: Campaign) -> str:
    fields = field(reader, "label", data_longest=60, value=campaign.plan.title[:60])
    for name, value in GUEST_LINK_DEFAULTS.items():
        fields += field(reader, name, kind="number", min=1, step=1, value=value)
    path = f"/api/campaigns/{campaign.id}/links"
    made_of = form(reader, path, fields, "make-link", then="show")
    return f"<details><summary>{reader.say('new-guest-link')}</summary>{made_of}</details>"


def _link_row(reader: ReaderContext, user: User, link: GuestLink) -> Sequence[str]:
    state = f"<em>{reader.say('revoked')}</em>" if link.revoked else ""
    if not link.revoked and (user.rank is AccountRole.ADMIN or link.owner_id == user.id):
        state = action(reader, f"/api/guest-links/{link.id}/revoke", "revoke", sure=True)
    return (
        f"<bdi>{escape(link.label)}</bdi>",
        when(link.expires_at),
        f"{link.guests} / {link.max_guests}",
        f"{link.messages} ({link.max_messages})",
        f"{link.tokens} ({link.max_tokens})",
        state,
    )


def _variant(variant: Variant) -> str:
    return f"{variant.name} · {variant.engine}" if variant.engine else variant.name


def _plan(reader: ReaderContext, plan: Plan, variants: str) -> str:
    keep = reader.say("keep-for", days=plan.keep_days) if plan.keep_days else ""
    parts = [
        ("field-variants", [] if variants else [_variant(variant) for variant in plan.variants]),
        ("field-tasks", [task.title for task in plan.tasks]),
        ("field-survey", [question.text for question in plan.survey]),
        ("field-reasons", plan.reasons),
        ("field-consent", [plan.consent] if plan.consent else []),
    ]
    said = "".join(
        f"<dt>{reader.say(key)}</dt>"
        + "".join(f'<dd dir="auto">{escape(item)}</dd>' for item in items)
        for key, items in parts
        if items
    )
    return f'{variants}<dl class="plan">{said}</dl><p>{keep or reader.say("keep-always")}</p>'
