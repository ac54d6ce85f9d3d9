"""Response times of the hosts' pages, and memory of exports, on the store of `bench.hosted`."""

import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from functools import partial

from bench.compared import BLIND, CASES, SPLIT, add_cases, add_comparisons, gather_in
from bench.compared import RUNS as CASE_RUNS
from bench.hosted import END, MEMBER, MODELS, filled_store
from bench.measurements import Measurement
from chat.accounts.models import LOCAL, User
from chat.campaigns.hosts import Campaigns
from chat.feedback.dashboard import Dashboard
from chat.feedback.dashboard_models import Period
from chat.feedback.filter_models import Cursor
from chat.feedback.models import Verdict
from chat.feedback.reports import Reports
from chat.feedback.result_models import RatingFilter, ReviewStatus
from chat.feedback.results import CHUNK, Results, place_of
from formats.datasets import DataFormat, data_file
from formats.redaction.redactor import Redactor
from formats.reports.report import write_report
from formats.words import ExportLanguage
from store import RoutingStore

Call = Callable[[], Awaitable[object]]

RUNS = 5
LIMIT_MS = 500.0
LIMIT_MIB = 64.0

FILTERS: Mapping[str, RatingFilter] = {
    "no filter": RatingFilter(),
    "one campaign of ten": RatingFilter(campaign_id="campaign 3"),
    "disliked": RatingFilter(verdict=Verdict.DOWN),
    "disliked in one campaign": RatingFilter(campaign_id="campaign 3", verdict=Verdict.DOWN),
    "a reason": RatingFilter(reason="wrong-maths"),
    "corrected": RatingFilter(corrected=True),
    "a preset": RatingFilter(preset_id="preset 3"),
    "a model": RatingFilter(model=MODELS[1]),
    "a language": RatingFilter(language="zh"),
    "one day": RatingFilter(since=date(2026, 3, 1), until=date(2026, 3, 1)),
    "to be reviewed": RatingFilter(standing=ReviewStatus.OPEN),
    "usable": RatingFilter(standing=ReviewStatus.USABLE),
    "a common word": RatingFilter(words="weather"),
    "a rare word": RatingFilter(words="serendipity"),
    "two words in Chinese": RatingFilter(words="我们 今天天气怎么样"),
    "what is nowhere": RatingFilter(words="nowhere 无处"),
    "much at once": RatingFilter(
        campaign_id="campaign 3", verdict=Verdict.DOWN, language="zh", words="我们"
    ),
}
DASHBOARDS: Mapping[str, tuple[User, str]] = {
    "everything": (LOCAL, ""),
    "one campaign of ten": (LOCAL, "campaign 4"),
    "a member's own": (MEMBER, ""),
}
"""The user, and a campaign id; "" is all that the user may see."""


async def measure(database_url: str | None = None) -> list[Measurement]:
    """Measurements on SQLite in a temporary folder, or on an empty PostgreSQL database."""
    async with filled_store(database_url) as store:
        results = Results(store.feedback.results, store.accounts)
        measurements = await pages(results) + await dashboards(store)
        for kind in DataFormat:
            measurements += await export(results, kind)
        await add_comparisons(store)
        await add_cases(store)
        measurements += await campaigns_of_ten(store, results) + await cases(store)
        await gather_in(store, BLIND)
        return measurements + await one_campaign(store)


async def pages(results: Results) -> list[Measurement]:
    deep = await deep_place(results)
    calls: dict[str, Call] = {
        name: partial(look, results, LOCAL, filters) for name, filters in FILTERS.items()
    } | {
        "a member's own": partial(look, results, MEMBER, RatingFilter()),
        "the last ones": partial(look, results, LOCAL, RatingFilter(), deep),
        "one answer, read": partial(results.read, LOCAL, "evidence 777"),
        "the next to review": partial(results.next_open, LOCAL, RatingFilter()),
    }
    return [await within_limit(f"page of results: {name}", call) for name, call in calls.items()]


async def dashboards(store: RoutingStore) -> list[Measurement]:
    """Each period, for each choice of campaigns."""
    campaigns = Campaigns(store.feedback.campaigns)
    dashboard = Dashboard(campaigns, store.feedback.dashboard, clock=lambda: END)
    return [
        await within_limit(f"dashboard: {name}, {period}", partial(draw, dashboard, *which, period))
        for name, which in DASHBOARDS.items()
        for period in Period
    ]


async def campaigns_of_ten(store: RoutingStore, results: Results) -> list[Measurement]:
    """Pages, reports and votes of comparing campaigns."""
    campaigns = Campaigns(store.feedback.campaigns)
    reports = Reports(campaigns, store.feedback.reports)
    measurements = [
        await within_limit(f"page of a {mode} campaign", partial(host, reports, results, name))
        for mode, name in (("blind", BLIND), ("split", SPLIT))
    ]
    filters = RatingFilter(campaign_id=BLIND)
    votes = partial(
        store.feedback.results.voted_comparisons, None, filters, after=None, limit=CHUNK
    )
    written = partial(write, reports, BLIND)
    return [
        *measurements,
        Measurement("report of a blind campaign as HTML", await milliseconds(written), "ms"),
        await within_limit(f"the first {CHUNK} votes with their answers", votes),
    ]


async def cases(store: RoutingStore) -> list[Measurement]:
    async def listed() -> None:
        await store.feedback.cases.cases(None)
        await store.feedback.cases.runs(None)

    run = partial(store.feedback.cases.results, "run 0")
    return [
        await within_limit(f"{CASES} cases and {CASE_RUNS} runs, listed", listed),
        await within_limit(f"a run of {CASES} cases", run),
    ]


async def one_campaign(store: RoutingStore) -> list[Measurement]:
    """All messages and ratings in a single campaign."""
    campaigns = Campaigns(store.feedback.campaigns)
    dashboard = Dashboard(campaigns, store.feedback.dashboard, clock=lambda: END)
    drawn = partial(draw, dashboard, LOCAL, BLIND, Period.ALL)
    written = partial(write, Reports(campaigns, store.feedback.reports), BLIND)
    return [
        await within_limit("dashboard: the only campaign, all", drawn),
        Measurement("report of the only campaign as HTML", await milliseconds(written), "ms"),
    ]


async def host(reports: Reports, results: Results, campaign_id: str) -> None:
    """The queries of a comparing campaign's page."""
    await reports.report(LOCAL, campaign_id)
    await results.names(LOCAL)


async def write(reports: Reports, campaign_id: str) -> None:
    write_report(await reports.report(LOCAL, campaign_id), ExportLanguage.EN)


async def draw(dashboard: Dashboard, user: User, campaign_id: str, period: Period) -> None:
    """The queries of the dashboard."""
    await dashboard.campaigns(user)
    await dashboard.overview(user, campaign_id, period)


async def within_limit(name: str, call: Call) -> Measurement:
    return Measurement(name, await milliseconds(call), "ms", "most", LIMIT_MS)


async def look(
    results: Results, user: User, filters: RatingFilter, after: Cursor | None = None
) -> None:
    """The queries of a results page."""
    await results.choices(user)
    await results.look(user, filters, after)


async def deep_place(results: Results) -> Cursor | None:
    """The cursor of the last page."""
    chunk = await results.page(LOCAL, RatingFilter(until=date(2026, 1, 2)))
    return place_of(chunk.items[0])


async def milliseconds(call: Call) -> float:
    """The median of RUNS calls."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


async def export(results: Results, kind: DataFormat) -> list[Measurement]:
    """Time and size of a masked export of everything, and peak memory of an unmasked one."""
    file = data_file(kind, RatingFilter(), Redactor(["Ann Lee", "张伟"]))
    started, size = time.perf_counter(), 0
    async for piece in results.export(LOCAL, RatingFilter(), file):
        size += len(piece)
    seconds = time.perf_counter() - started
    tracemalloc.start()
    plain = data_file(kind, RatingFilter())
    async for _ in results.export(LOCAL, RatingFilter(), plain):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    name = f"export of everything as {kind}"
    return [
        Measurement(f"{name}, masked", seconds, "s"),
        Measurement(f"{name}: size", size / 2**20, "MiB"),
        Measurement(f"{name}: memory", peak / 2**20, "MiB", "most", LIMIT_MIB),
    ]
