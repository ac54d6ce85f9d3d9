"""Campaigns for their testers: what they agree to, the way on, the survey, the thanks."""

from collections.abc import Mapping
from html import escape

from chat.accounts.models import CAMPAIGN_GRACE, AccountRole, User
from chat.campaigns.models import Campaign, QuestionKind, SurveyQuestion
from chat.campaigns.participation import MAX_SURVEY_TEXT, SCALE, Visit, VisitStage
from chat.campaigns.validation import consent_digest
from pages.html import ReaderContext, document, form, hidden, when

SCRIPT = "campaigns.js"
COLLECTED = ("collected-chats", "collected-ratings", "collected-survey", "collected-figures")


def campaign_visit_page(reader: ReaderContext, user: User, visit: Visit) -> str:
    """Where a tester stands: the consent, the way on, the thanks, or why nothing goes on."""
    draw = {
        VisitStage.NOT_BEGUN: _not_begun,
        VisitStage.CONSENT: _consent,
        VisitStage.WORK: _work,
        VisitStage.SURVEY: _only_survey,
        VisitStage.OVER: _over,
        VisitStage.FINISHED: _thanks,
    }[visit.stage]
    return _page(reader, visit.campaign, draw(reader, user, visit))


def survey_page(reader: ReaderContext, user: User, visit: Visit) -> str:
    """The questions at the end, with what was answered so far."""
    campaign, answers = visit.campaign, visit.participant.survey if visit.participant else {}
    asked = "".join(_question(reader, one, answers) for one in campaign.plan.survey)
    body = f'<div data-map="answers">{asked}</div>'
    if asked:
        body = f'<p class="hint">{reader.say("survey-info")}</p>{body}'
    else:
        body = f"<p>{reader.say('survey-none')}</p>{body}"
    path = f"/api/campaign/{campaign.id}/survey"
    saved = f'<p class="hint" role="status" data-saved hidden>{reader.say("survey-saved")}</p>'
    fields = f'{body}<input type="hidden" name="send" value="yes">{saved}'
    body = form(reader, path, fields, "survey-send", then="go", keeps="")
    back = f'<p><a href="{_chat(reader, user, visit)}">{reader.say("back-to-tasks")}</a></p>'
    return _page(reader, campaign, body + (back if visit.stage is VisitStage.WORK else ""))


def gone_page(reader: ReaderContext) -> str:
    """A campaign that is not there, or is not for this person."""
    return document(reader, "campaign", f"<p>{reader.say('campaign-gone')}</p>")


def chat_address(user: User, visit: Visit) -> str:
    """The path at which a tester asks questions."""
    if visit.compares:
        return f"/campaign/{visit.campaign.id}/compare"
    return "/" if user.rank is AccountRole.GUEST else f"/?campaign={visit.campaign.id}"


# --- stages -----------------------------------------------------------------------------------


def _not_begun(reader: ReaderContext, user: User, visit: Visit) -> str:
    starts_at = visit.campaign.plan.starts_at
    return f"<p>{reader.say('not-begun')} {when(starts_at) if starts_at else ''}</p>"


def _consent(reader: ReaderContext, user: User, visit: Visit) -> str:
    plan, at = visit.campaign.plan, f"/api/campaign/{visit.campaign.id}"
    keep = (
        reader.say("keep-for", days=plan.keep_days) if plan.keep_days else reader.say("keep-always")
    )
    collected = "".join(f"<li>{reader.say(key)}</li>" for key in COLLECTED)
    said = (
        f"<p>{reader.say('consent-intro')}</p>"
        f"<h2>{reader.say('collected')}</h2><ul>{collected}</ul>"
        f"<h2>{reader.say('who-sees')}</h2><p>{reader.say('who-sees-info')}</p>"
        f"<h2>{reader.say('how-long')}</h2><p>{keep} {reader.say('take-back-info')}</p>"
    )
    if plan.consent:
        said += f'<h2>{reader.say("host-says")}</h2><p class="words" dir="auto">'
        said += f"{escape(plan.consent)}</p>"
    digest = hidden("digest", consent_digest(plan))
    agree = form(reader, f"{at}/consent", digest, "agree", then="go", main="")
    decline = form(reader, f"{at}/withdraw", "", "decline", then="tell")
    return f'{said}<div class="row choice">{agree}{decline}</div>'


def _work(reader: ReaderContext, user: User, visit: Visit) -> str:
    tasks, done = visit.campaign.plan.tasks, visit.participant.done if visit.participant else ()
    count = reader.say("tasks-done", done=len(done), count=len(tasks)) if tasks else ""
    return (
        f"<p>{reader.say('work-info')} {count}</p>"
        f'<p><a class="button" href="{_chat(reader, user, visit)}">{reader.say("go-on")}</a></p>'
        f"{_to_survey(reader, visit.campaign)}{_take_back(reader, user, visit)}"
    )


def _only_survey(reader: ReaderContext, user: User, visit: Visit) -> str:
    end = visit.campaign.end
    until = f" {reader.say('survey-until')} {when(end + CAMPAIGN_GRACE)}" if end else ""
    read = f'<a href="{_chat(reader, user, visit)}">{reader.say("read-on")}</a>'
    return (
        f"<p>{reader.say('over')}{until}</p>{_to_survey(reader, visit.campaign)}<p>{read}</p>"
        f"{_take_back(reader, user, visit)}"
    )


def _over(reader: ReaderContext, user: User, visit: Visit) -> str:
    took_part = _take_back(reader, user, visit) if visit.participant else ""
    return f"<p>{reader.say('over')}</p>{took_part}"


def _thanks(reader: ReaderContext, user: User, visit: Visit) -> str:
    words = visit.campaign.plan.thanks
    said = f'<p class="words" dir="auto">{escape(words)}</p>' if words else ""
    again = f'<a href="{reader.link(_survey(visit.campaign))}">{reader.say("survey-again")}</a>'
    return f"<h2>{reader.say('thanks')}</h2>{said}<p>{again}</p>{_take_back(reader, user, visit)}"


# --- pieces -----------------------------------------------------------------------------------


def _page(reader: ReaderContext, campaign: Campaign, body: str) -> str:
    return document(reader, "campaign", body, heading=campaign.plan.title, script=SCRIPT)


def _chat(reader: ReaderContext, user: User, visit: Visit) -> str:
    return reader.link(chat_address(user, visit))


def _survey(campaign: Campaign) -> str:
    return f"/campaign/{campaign.id}/survey"


def _to_survey(reader: ReaderContext, campaign: Campaign) -> str:
    key = "to-survey" if campaign.plan.survey else "to-end"
    return f'<p><a href="{reader.link(_survey(campaign))}">{reader.say(key)}</a></p>'


def _take_back(reader: ReaderContext, user: User, visit: Visit) -> str:
    """The way to have it all destroyed; a guest's account goes with it."""
    info = "take-back-guest" if user.rank is AccountRole.GUEST else "take-back-member"
    path = f"/api/campaign/{visit.campaign.id}/withdraw"
    sure = reader.say("sure")
    delete = form(reader, path, "", "delete-data", then="tell", sure=sure)
    return (
        f"<details><summary>{reader.say('delete-data')}</summary><p>{reader.say(info)}</p>"
        f"{delete}</details>"
    )


def _question(
    reader: ReaderContext, question: SurveyQuestion, answers: Mapping[str, str | int]
) -> str:
    given = answers.get(question.id)
    if question.kind is QuestionKind.SCALE:
        return _scale(question, given)
    return (
        f'<label class="asked"><span dir="auto">{escape(question.text)}</span>'
        f'<textarea name="{escape(question.id)}" rows="3" data-longest="{MAX_SURVEY_TEXT}" '
        'dir="auto">\n'
        f"{escape(str(given or ''))}</textarea></label>"
    )


def _scale(question: SurveyQuestion, given: str | int | None) -> str:
    points = "".join(
        f'<label><input type="radio" name="{escape(question.id)}" value="{point}"'
        f"{' checked' if given == point else ''}><span>{point}</span></label>"
        for point in SCALE
    )
    ends = f"<span dir='auto'>{escape(question.low)}</span>{points}"
    return (
        f'<fieldset class="scale"><legend dir="auto">{escape(question.text)}</legend><div>'
        f'{ends}<span dir="auto">{escape(question.high)}</span></div></fieldset>'
    )
