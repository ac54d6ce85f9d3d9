"""What the host of a campaign tells its testers: a banner on their pages."""

from markupsafe import Markup

from chat.campaigns.models import Campaign
from pages.html import PageLocale, render_macro


def notice_html(locale: PageLocale, campaign: Campaign) -> Markup:
    """Empty where there is nothing to tell."""
    return render_macro("campaigns/notice.html", "told", locale, campaign)
