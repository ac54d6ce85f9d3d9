"""The form by which a campaign's report is taken along: its language, and what is masked in it."""

from urllib.parse import urlencode

from i18n import Language
from pages.html import ReaderContext


def report_form(reader: ReaderContext, campaign_id: str) -> str:
    """Closed at first. The report is made in either language, whoever reads this page."""
    languages = "".join(
        f'<option value="{language}"{" selected" * (language is reader.language)}>'
        f"{reader.say(f'language-{language}')}</option>"
        for language in (Language.ZH, Language.EN)
    )
    path, query = reader.link("/api/results/report"), urlencode({"campaign": campaign_id})
    return (
        f'<details class="report"><summary>{reader.say("report")}</summary>'
        f'<form data-export="{path}" data-preview="{path}/preview" data-query="?{query}">'
        f"<label><span>{reader.say('report-language')}</span>"
        f'<select name="lang">{languages}</select></label>'
        f"{masking(reader)}{counting(reader)}{buttons(reader, 'report-download')}</form></details>"
    )


def masking(reader: ReaderContext) -> str:
    """Whether to mask what could tell who somebody is, and which names."""
    return (
        '<label class="tick"><input type="checkbox" name="redact" value="true"> '
        f"{reader.say('redact')}</label>"
        f'<label><span>{reader.say("redact-names")}</span><textarea name="names" rows="3">'
        "</textarea></label>"
    )


def counting(reader: ReaderContext, told: str = "") -> str:
    """Where it is said what a file would hold, in the words `told`, and what would be masked."""
    said = reader.template(told) if told else ""
    return (
        '<p class="error" role="alert" hidden></p>'
        f'<p class="hint" role="status" data-told="{said}" '
        f'data-masked="{reader.template("preview-masked")}" '
        f'data-none="{"" if told else reader.say("preview-none")}" '
        f'data-busy="{reader.say("preview-busy")}" hidden></p>'
    )


def buttons(reader: ReaderContext, download: str) -> str:
    return (
        f'<div class="row"><button>{reader.say(download)}</button>'
        f'<button type="button" class="quiet" data-count>{reader.say("preview")}</button></div>'
    )
