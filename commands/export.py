"""`python app.py export …`: the exports of the results page on the command line.

Works while the server runs. Whoever runs it has access to the database, so it exports all users'
data.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from chat.accounts.models import User, name_key
from chat.campaigns.hosts import Campaigns
from chat.errors import AppError
from chat.feedback.models import Verdict
from chat.feedback.omissions import in_words
from chat.feedback.reports import Reports
from chat.feedback.result_models import RatingFilter, ReviewStatus
from chat.feedback.results import Results
from chat.feedback.tables import CampaignTables
from chat.validation import IN_BOUNDS, is_bounded
from commands.context import OPERATOR, Refused
from config import Settings, SettingsError, path_argument, read_settings
from formats.datasets import DataFormat, data_file
from formats.reading import decode
from formats.redaction.redactor import Redactor, names_of
from formats.reports.report import write_report
from formats.tables import TablesFormat, tables_file
from formats.words import ExportLanguage
from store import RoutingStore, open_store

REPORT = "report"
KINDS = (*DataFormat, *TablesFormat, REPORT)
ABOUT_CAMPAIGNS = (*TablesFormat, REPORT)
"""Formats of one campaign as a whole, which know no other filter."""


def main(arguments: Sequence[str]) -> int:
    """The command. Its exit code."""
    try:
        options, rest = _parser().parse_known_args(arguments)
        settings = read_settings(rest)
        summary = asyncio.run(_Command(options, settings).run())
    except Refused as error:  # its message has several lines: what exists instead
        sys.stderr.write(f"qwen-chat: {error}\n")
        return 1
    except (SettingsError, AppError, OSError) as error:
        sys.stderr.write(f"qwen-chat: {' '.join(str(error).split())}\n")
        return 1
    sys.stderr.write(f"{summary}\n")
    return 0


@dataclass(frozen=True, slots=True)
class _Command:
    options: argparse.Namespace
    settings: Settings

    async def run(self) -> str:
        """Write the export; returns the closing message. Raises AppError, Refused, OSError."""
        redactor = _redactor(self.options)  # fails first if the list of names cannot be read
        store = open_store(self.settings.data_dir, self.settings.database_url, beside=True)
        await store.open()
        try:
            filters = await _filter(store, self.options)
            if self.options.format in ABOUT_CAMPAIGNS and not filters.campaign_id:
                raise Refused("This format is of one campaign: name it with --campaign.")
            if self.options.format == REPORT:
                return await self._report(store, filters, redactor)
            if self.options.format in [*TablesFormat]:
                return await self._tables(store, filters.campaign_id, redactor)
            return await self._data(store, filters, redactor)
        finally:
            await store.close()

    async def _data(
        self, store: RoutingStore, filters: RatingFilter, redactor: Redactor | None
    ) -> str:
        results = Results(store.feedback.results, store.accounts)
        file = data_file(DataFormat(self.options.format), filters, redactor)
        await _write(self.options.output, results.export(OPERATOR, filters, file))
        reasons = in_words(file.omissions)
        left_out = f" {file.left_out} left out: {reasons}." if reasons else ""
        return f"{file.lines} lines.{left_out}{_masked(file.masked)}"

    async def _tables(
        self, store: RoutingStore, campaign_id: str, redactor: Redactor | None
    ) -> str:
        stored = store.feedback
        tables = CampaignTables(
            Campaigns(stored.campaigns), stored.results, stored.tables, store.accounts
        )
        language = ExportLanguage(self.options.language or ExportLanguage.EN)
        file = tables_file(TablesFormat(self.options.format), language, redactor)
        _, pieces = await tables.export(OPERATOR, campaign_id, file)
        await _write(self.options.output, pieces)
        counted = ", ".join(f"{table} {file.rows.get(table, 0)}" for table in file.takes)
        shortened = f" {file.shortened} cells were shortened." if file.shortened else ""
        return f"Rows: {counted}.{shortened}{_masked(file.masked)}"

    async def _report(
        self, store: RoutingStore, filters: RatingFilter, redactor: Redactor | None
    ) -> str:
        reports = Reports(Campaigns(store.feedback.campaigns), store.feedback.reports)
        report = await reports.report(OPERATOR, filters.campaign_id)
        language = ExportLanguage(self.options.language or ExportLanguage.EN)

        async def pieces() -> AsyncIterator[bytes]:
            yield await asyncio.to_thread(write_report, report, language, redactor)

        await _write(self.options.output, pieces())
        return f"Done.{_masked(redactor.masked if redactor else {})}"


async def _write(output: Path, pieces: AsyncIterator[bytes]) -> None:
    """Write to standard output, or atomically to a file."""
    if output == Path("-"):
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
        return
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as file:
            async for piece in pieces:
                file.write(piece)
        part.replace(output)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _masked(masked: Mapping[str, int]) -> str:
    counted = ", ".join(f"[{kind}] {count}" for kind, count in masked.items())
    return f" Masked: {counted}." if counted else ""


def _redactor(options: argparse.Namespace) -> Redactor | None:
    """Raises OSError, BadImport, TooManyNames, NameTooLong."""
    names = names_of(decode(options.names.read_bytes())) if options.names else []
    return Redactor(names) if options.redact or names else None


async def _filter(store: RoutingStore, options: argparse.Namespace) -> RatingFilter:
    """The filter of the flags. Raises Refused for an unknown campaign or user."""
    language = "" if options.format in ABOUT_CAMPAIGNS else options.language
    return RatingFilter(
        campaign_id=await _campaign(store, options.campaign) if options.campaign else "",
        preset_id=options.preset,
        verdict=options.verdict,
        reason=options.reason,
        corrected=options.corrected,
        since=options.since,
        until=options.until,
        language=language,
        model=options.model,
        standing=options.standing,
        assignee=await _assignee(store, options.assignee) if options.assignee else "",
        words=options.words,
    )


async def _campaign(store: RoutingStore, named: str) -> str:
    """The campaign with that id, or the only one with that title. Raises Refused."""
    campaigns = await Campaigns(store.feedback.campaigns).list(OPERATOR)
    ids = [one.id for one in campaigns if named == one.id]
    ids = ids or [one.id for one in campaigns if named == one.plan.title]
    if len(ids) == 1:
        return ids[0]
    listing = "".join(f"\n  {one.id}  {one.plan.title}" for one in campaigns)
    many = "Several campaigns are" if ids else "There is no campaign"
    raise Refused(f"{many} named {named}.{f' There are:{listing}' if listing else ''}")


async def _assignee(store: RoutingStore, name: str) -> str:
    users: Sequence[User] = await store.accounts.users()
    for user in users:
        if name_key(user.name) == name_key(name):
            return user.id
    raise Refused(f"There is nobody named {name}.")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        why = f"{text} is no day. A day is written as 2026-11-22."
        raise argparse.ArgumentTypeError(why) from None
    if not is_bounded(day):
        raise argparse.ArgumentTypeError(f"{text} is not within {IN_BOUNDS}.")
    return day


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python app.py export",
        description="Rated answers and votes as a file, or the report of a campaign. Further flags "
        "are settings of the app: --data-dir, --database-url.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--format",
        choices=KINDS,
        required=True,
        help="table, training data, everything; workbook, CSV files, survey, report of a campaign",
    )
    add(
        "-o", "--output", type=path_argument, default=Path("-"), help="a file; else standard output"
    )
    add("--campaign", default="", help="its id or its title")
    add("--verdict", type=Verdict, choices=[*Verdict], help="rated so")
    add("--reason", default="", help="with this reason")
    add("--corrected", action="store_true", help="only what was corrected")
    add("--since", type=_day, help="rated on this day (UTC) or later: 2026-11-22")
    add("--until", type=_day, help="rated on this day (UTC) or before")
    add(
        "--language",
        choices=("zh", "en"),
        default="",
        help="of the answers; or of the words in a workbook or report",
    )
    add("--model", default="", help="of the answers")
    add("--preset", default="", help="its id")
    add("--standing", type=ReviewStatus, choices=[*ReviewStatus], help="how far the review is")
    add("--assignee", default="", help="the name of who is to review it")
    add("--words", default="", help="with all these words")
    add("--redact", action="store_true", help="mask addresses, phone, identity and card numbers")
    add("--names", type=path_argument, help="a file of names to mask, one on each line")
    return parser
