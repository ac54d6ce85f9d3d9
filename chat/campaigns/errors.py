"""What can go wrong with campaigns, as types with stable codes."""

from chat.errors import AppError, BadRequest


class BadPlan(BadRequest):
    """Something in a campaign's plan is missing, too long, or there is too much of it.

    Values: field (which), part (of each card, where the field is a list of them; "date" where a
    date is out of bounds), limit (characters
    or pieces; 0 where something is missing).
    """

    code = "bad_plan"


class PlanInUse(BadRequest):
    """Somebody takes part: what their answers come from stays as it is. Values: field."""

    code = "plan_in_use"


class CampaignDraft(BadRequest):
    """The campaign is a draft: nobody can be invited before it is opened."""

    code = "campaign_draft"


class NoPart(AppError):
    """Somebody may not ask there: in a campaign, or outside of it."""

    code = "no_part"


class ConsentNeeded(NoPart):
    """In this campaign nothing is asked before its text, as it is now, was agreed to."""

    code = "consent_needed"


class CampaignNotBegun(NoPart):
    """The campaign has not begun yet. Values: starts_at."""

    code = "campaign_not_begun"


class CampaignOver(NoPart):
    """The campaign, or the link that led to it, has ended."""

    code = "campaign_over"


class CampaignPaused(NoPart):
    """The host has paused the campaign: questions are accepted again when it goes on."""

    code = "campaign_paused"


class OutsideCampaign(NoPart):
    """Who came by the link of a campaign asks within that campaign alone."""

    code = "outside_campaign"


class CompareOnly(NoPart):
    """In this campaign two answers are compared: questions are asked on its own page."""

    code = "compare_only"


class VoteNeeded(BadRequest):
    """The tester has neither voted on the last comparison nor skipped it."""

    code = "vote_needed"


class VoteFrozen(BadRequest):
    """A vote is changed only until the tester asks the next question, and not without end."""

    code = "vote_frozen"


class SkipReasonNeeded(BadRequest):
    """A comparison is skipped with a reason."""

    code = "skip_reason_needed"


class AnswersUnfinished(BadRequest):
    """A vote is between two answers that were both written to their end."""

    code = "answers_unfinished"
