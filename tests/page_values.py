"""Every page around the chat with one text in all free text values, for tests of their HTML."""

from collections.abc import Iterator
from dataclasses import replace

from markupsafe import Markup, escape

from chat.accounts.models import (
    LOCAL,
    AccountRole,
    ApiKey,
    AuditEntry,
    GuestAllowance,
    GuestLink,
    Invitation,
    KeyScope,
    Session,
    User,
)
from chat.campaigns.comparison_models import ComparisonView
from chat.campaigns.live_models import (
    EventKind,
    ListedChat,
    LiveEvent,
    LiveState,
    TesterProgress,
)
from chat.campaigns.models import (
    Campaign,
    CampaignCounts,
    Mode,
    Participant,
    Plan,
    QuestionKind,
    SurveyQuestion,
    Task,
    Variant,
    VariantProgress,
    Visit,
    VisitStage,
    VoteChoice,
)
from chat.conversations.models import (
    Archive,
    Conversation,
    Message,
    Preset,
    PresetText,
    Progress,
)
from chat.evaluation.models import (
    Case,
    CaseText,
    CaseVerdict,
    Check,
    CheckKind,
    Result,
    Run,
    VerdictCounts,
)
from chat.feedback.filter_models import Cursor
from chat.feedback.models import Rating, RatingInput, Review, ReviewState, Verdict
from chat.feedback.report_models import (
    AnswerSource,
    Report,
    SourceCount,
    Spread,
    SurveyResult,
    VariantResult,
    Vote,
)
from chat.feedback.reports import comparison_of, ranking_of
from chat.feedback.result_models import (
    AnswerDetail,
    FilterOptions,
    RatingCounts,
    RatingFilter,
    RatingPage,
    ReviewStatus,
    VotedComparison,
)
from chat.feedback.vote_models import (
    VoteCounts,
    VoteFilter,
    VoteFilterOptions,
    VotePage,
)
from chat.models import ChatMessage, ChatOptions, PresetRef, Role, Sampling, Status
from chat.tools import ToolCall
from pages.accounts.keys import keys_page
from pages.accounts.sign_in import guest_page, sign_in_page, welcome_page
from pages.accounts.users import account_page, guests_page, users_page
from pages.campaigns.campaign import campaign_page, campaigns_page, edit_page
from pages.campaigns.choices import PlanOptions
from pages.campaigns.compare import (
    actions_html,
    compare_page,
    comparison_html,
    side_html,
    tasks_html,
)
from pages.campaigns.comparison import comparison_block
from pages.campaigns.live import chat_page, live_block
from pages.campaigns.notice import notice_html
from pages.campaigns.participation import (
    campaign_visit_page,
    preview_page,
    survey_page,
    unavailable_page,
)
from pages.campaigns.plan_form import EMPTY
from pages.campaigns.survey_results import survey_block
from pages.campaigns.variants import variants_block
from pages.evaluation.case_form import EMPTY as EMPTY_CASE
from pages.evaluation.case_form import case_page
from pages.evaluation.case_runs import RunsView, RunView, run_page
from pages.evaluation.cases import cases_page
from pages.feedback.answer import AnswerView, answer_page
from pages.feedback.results import RatingListView, campaign_results, results_page
from pages.feedback.vote import VoteView, vote_page
from pages.feedback.votes import VoteListView, votes_page
from pages.html import PageLocale
from pages.sharing import shared_view
from tests.contract.stores import START
from tests.rated import PROVENANCE, TIMING, path, rated, snapshot, voted_comparison

LONG = Sampling(0.5, 0.9, 40, 1.1, 512, 7)


class PageValues:
    """The values of the pages. `text` is in every value that a user, a host or a model wrote."""

    def __init__(self, locale: PageLocale, text: str) -> None:
        self.locale, self.text = locale, text
        self.user = User("1", text, AccountRole.ADMIN, START)
        self.member = User("2", text, AccountRole.MEMBER, START, disabled=True)
        self.guest = User("3", text, AccountRole.GUEST, START)
        self.names = {"1": text, "2": text, "ann": text, text: text}
        self.vote = Vote(0, 1, VoteChoice.LEFT, text, text)
        self.link = GuestLink("l", "1", text, START, START, 1, 1, 1, welcome=text)
        self.preset = Preset(
            PresetRef(text, 1),
            "1",
            True,
            PresetText(text, text, replace(LONG, stop=(text,))),
            START,
        )
        self.choices = PlanOptions([self.preset], [text, text, "another"])

    def pages(self) -> Iterator[tuple[str, str]]:
        """Each page or fragment with its name."""
        yield from self._accounts()
        yield from self._hosts_campaigns()
        yield from self._testers_campaigns()
        yield from self._comparisons()
        yield from self._reports()
        yield from self._ratings()
        yield from self._votes()
        yield from self._cases()
        yield from self._runs()

    def _accounts(self) -> Iterator[tuple[str, str]]:
        locale, user, text = self.locale, self.user, self.text
        sessions = [
            Session("s", "1", START, START, START, text),
            Session("t", "1", START, START, START),
        ]
        audit_entries = [
            AuditEntry(START, "1", text, text, text),
            AuditEntry(START, text, "sign-in", "1"),
        ]
        links = [self.link, replace(self.link, revoked=True, owner_id=text)]
        sign_in = sign_in_page(locale, then=f"/{text}", set_up=True, provider=True, refused=True)
        yield "sign-in", sign_in
        yield "not set up", sign_in_page(locale, then="/", set_up=False, provider=True)
        yield "welcome", welcome_page(locale)
        yield "guest", guest_page(locale)
        for name, someone in (("admin", user), ("member", self.member), ("guest", self.guest)):
            left = GuestAllowance(0, 1, START) if someone is self.guest else None
            page = account_page(locale, someone, sessions, session_id="t", allowance=left)
            yield f"account {name}", page
            yield f"keys {name}", keys_page(locale, someone, self._keys(), self.names, START)
        invited = [Invitation("i", AccountRole.MEMBER, self.text, START)]
        users = [user, self.member, self.guest]
        yield "people", users_page(locale, user, users, audit_entries, invited)
        yield "no entries", users_page(locale, user, [], [])
        yield "guests", guests_page(locale, user, links, [(text, text)], self.names)

    def _keys(self) -> list[ApiKey]:
        key = ApiKey("k", "1", self.text, self.text, START)
        return [
            replace(key, scopes=frozenset(KeyScope), requests_per_minute=1, tokens_per_day=20000),
            replace(key, revoked=True, used_at=START),
            replace(key, expires_at=START, owner_id="gone"),
        ]

    def _plan(self, mode: Mode) -> Plan:
        text = self.text
        stop = Sampling(stop=(text,))
        variant = Variant(text, text, stop, PresetRef(text, 2), text)
        other = replace(variant, preset=self.preset.ref, sampling=replace(LONG, stop=(text,)))
        survey = [
            SurveyQuestion(
                f"{text}{kind}", kind, text, text, text, (text,), text, text, text, (text,)
            )
            for kind in QuestionKind
        ]
        return Plan(
            text,
            mode,
            (variant, other),
            (Task(text, *[text] * 6), Task("t2", text)),
            text,
            tuple(survey),
            (text, text),
            text,
            starts_at=START,
            ends_at=START,
            keep_days=3,
            language="en",
            other_title=text,
            other_consent=text,
            other_thanks=text,
        )

    def _campaign(self, mode: Mode = Mode.SPLIT) -> Campaign:
        return Campaign("c", "1", self._plan(mode), START)

    def _hosts_campaigns(self) -> Iterator[tuple[str, str]]:
        locale, user = self.locale, self.user
        bare = Campaign("c2", "1", EMPTY, START)
        later = replace(
            bare, id="c3", plan=replace(EMPTY, starts_at=START.replace(year=START.year + 1))
        )
        links = [self.link, replace(self.link, revoked=True)]
        campaigns = [self._campaign(), bare, later, replace(bare, is_draft=True)]
        yield "campaigns", campaigns_page(locale, user, campaigns, START)
        yield "no campaigns", campaigns_page(locale, LOCAL, [], START)
        for someone in (user, self.member, LOCAL):
            for campaign in (self._campaign(), self._campaign(Mode.BLIND), bare, later):
                page = campaign_page(
                    locale,
                    someone,
                    replace(campaign, closed_at=None if campaign is bare else START),
                    counts=CampaignCounts(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
                    waiting=3,
                    links=links,
                    shared=shared_view(self.text, is_local=campaign is bare),
                    now=START,
                )
                yield f"campaign {someone.id} {campaign.id} {campaign.plan.mode}", page
        yield from self._running()
        plan = self._plan(Mode.BLIND)
        edit = edit_page(locale, user, plan, self.choices, campaign_id="c", in_use=True)
        yield "edit in use", edit
        yield "edit", edit_page(locale, user, plan, PlanOptions(), campaign_id="c")
        draft = edit_page(locale, user, plan, self.choices, campaign_id="c", is_draft=True)
        yield "draft", draft
        for one in (self._campaign(), replace(bare, is_draft=True, plan=replace(EMPTY, title=""))):
            yield f"preview {one.id}", preview_page(locale, user, one)
        yield "new", edit_page(locale, LOCAL, EMPTY, self.choices)
        yield "new without a choice", edit_page(locale, LOCAL, EMPTY, PlanOptions((), ("one",)))

    def _running(self) -> Iterator[tuple[str, str]]:
        text, user_id = self.text, self.user.id
        testers = tuple(
            TesterProgress(user_id, 1, 2, 3, 4, 5, 6, seen_at=at, finished=at is None)
            for at in (START, None)
        )
        events = tuple(
            LiveEvent(kind, START, user_id, text, text, text, choice, 1, changes=changes)
            for kind in EventKind
            for choice, changes in ((None, 0), (VoteChoice.RIGHT, 1), (VoteChoice.TIE, 2))
        )
        chats = (ListedChat("chat", user_id, text, START),)
        state = LiveState(testers, events, chats, {user_id: text})
        for mode in Mode:
            campaign = replace(self._campaign(mode), paused_at=START, notice=text)
            for found, one in ((state, campaign), (LiveState(), self._campaign(mode))):
                block = live_block(self.locale, one, found, [self.link])
                yield f"running {mode} {bool(found.events)}", block
            yield f"notice {mode}", notice_html(self.locale, campaign)
        messages = tuple(
            Message("m", "chat", None, role, text, status, START)
            for role in (Role.USER, Role.ASSISTANT)
            for status in Status
        )
        conversation = Conversation(
            "chat", user_id, text, ChatOptions(), None, START, START, campaign_id="c"
        )
        archive = Archive(conversation, messages)
        yield "chat", chat_page(self.locale, self.user, archive, {user_id: text}, escape)

    def _testers_campaigns(self) -> Iterator[tuple[str, str]]:
        locale, text = self.locale, self.text
        campaign, blind = self._campaign(), self._campaign(Mode.BLIND)
        survey: dict[str, str | int] = {f"{text}text": text, f"{text}scale": 2}
        participant = Participant("c", "1", START, done=(text,), survey=survey)
        bare = Campaign("c2", "1", EMPTY, START)
        for stage in VisitStage:
            for someone in (self.user, self.guest):
                for case_ in (campaign, blind, bare):
                    visit = Visit(case_, participant, stage)
                    name = f"{stage} {someone.id} {case_.id} {case_.plan.mode}"
                    yield f"visit {name}", campaign_visit_page(locale, someone, visit)
                    yield f"survey {name}", survey_page(locale, someone, visit)
        unknown = Visit(campaign, None, VisitStage.OVER)
        yield "visit over", campaign_visit_page(locale, self.guest, unknown)
        yield "survey of nobody", survey_page(locale, self.guest, unknown)
        yield "campaign gone", unavailable_page(locale)

    def _comparisons(self) -> Iterator[tuple[str, str]]:
        locale, text = self.locale, self.text
        campaign = self._campaign(Mode.BLIND)
        comparison = replace(voted_comparison(comment=text, choice=None).comparison, question=text)
        done = Progress("m", text, Status.DONE)
        progress = [
            Progress("m", "" if status is Status.PENDING else text, status) for status in Status
        ] + [Progress("m", position=3)]
        rounds = [
            *(ComparisonView(comparison, done, one) for one in progress),
            *(
                ComparisonView(replace(comparison, choice=choice), done, done)
                for choice in VoteChoice
            ),
            ComparisonView(replace(comparison, choice=VoteChoice.TIE, comment=""), done, done),
        ]
        participant = Participant("c", "1", START, done=(text,))
        for stage in (VisitStage.WORK, VisitStage.FINISHED, VisitStage.OVER):
            visit = Visit(campaign, participant, stage)
            yield f"compare {stage}", compare_page(locale, visit, rounds, escape)
            yield f"tasks {stage}", tasks_html(locale, visit)
        bare = Visit(Campaign("c2", "1", EMPTY, START), None, VisitStage.WORK)
        yield "compare without tasks", compare_page(locale, bare, [], escape)
        yield "no tasks", tasks_html(locale, bare)
        for number, case_ in enumerate(rounds):
            for may_ask in (True, False):
                page = comparison_html(locale, case_, escape, may_ask=may_ask)
                yield f"round {number} {may_ask}", page
                foot = actions_html(locale, case_, may_ask=may_ask)
                yield f"foot {number} {may_ask}", foot
            yield f"side {number}", side_html(locale, case_.right, escape)

    def _reports(self) -> Iterator[tuple[str, str]]:
        for mode in Mode:
            for count in (0, 1, 60):
                report = self._report(mode, count)
                testers = [VariantProgress(10, 8, 1), VariantProgress(9, 3, 4)]
                block = comparison_block(self.locale, report, testers, self.names)
                yield f"comparison {mode} {count}", block
                yield f"variants {mode} {count}", variants_block(self.locale, report)
                yield f"survey {mode} {count}", survey_block(self.locale, report)
                ranked = replace(
                    report, comparison=None, ranking=ranking_of([self.vote] * count, 2)
                )
                block = comparison_block(self.locale, ranked, testers, self.names)
                yield f"ranking {mode} {count}", block
            results = campaign_results(self.locale, self._campaign(mode))
            yield f"results of {mode}", results

    def _report(self, mode: Mode, count: int) -> Report:
        """Of a campaign with `count` votes or ratings: most for the first variant."""
        text = self.text
        votes = [Vote(0, 1, VoteChoice.LEFT, text, text)] * count
        votes += [Vote(0, 1, VoteChoice.RIGHT, "1", "t2")] * (count // 2 - 1)
        votes += [Vote(1, 0, VoteChoice.BOTH_BAD, "1", "t2")] * (count > 0)
        campaign = self._campaign(mode)
        variants = campaign.plan.variants
        if count == 60:
            bare = tuple(replace(one, engine="", system_prompt="") for one in variants)
            campaign = replace(campaign, plan=replace(campaign.plan, variants=bare))
        sources = [
            SourceCount(variant, AnswerSource(text, text, text, text, self.preset.ref), 1234)
            for variant in (0, 1, None, 7)
        ]
        spreads = {"length": Spread(120, 300), "total": Spread(1.5, 4)}
        return Report(
            campaign=campaign,
            created_at=START,
            counts=CampaignCounts(),
            rated=0,
            comments=0,
            corrections=0,
            reasons=(),
            whole=VariantResult(0, 0, 0, {}),
            variants=(
                VariantResult(count, count, count // 9, spreads),
                VariantResult(count, count // 5, count, {}),
            ),
            comparison=comparison_of(votes),
            survey=self._surveyed(count),
            best=(),
            worst=(),
            answered=sources if count else (),
            presets={self.preset.ref: text},
        )

    def _surveyed(self, count: int) -> tuple[SurveyResult, ...]:
        text = self.text
        scale = SurveyQuestion("q1", QuestionKind.SCALE, text, text, text)
        words = SurveyQuestion("q2", QuestionKind.TEXT, text)
        numbers = {1: count, 5: 1} if count else {}
        texts = (text,) * count
        return (SurveyResult(scale, numbers, (), count), SurveyResult(words, {}, texts, 0))

    def _ratings(self) -> Iterator[tuple[str, str]]:
        locale, user, text = self.locale, self.user, self.text
        liked = RatingInput(Verdict.UP, ("wrong-facts", text), text, text)
        provenance = replace(PROVENANCE, model=text, revision=text, quantization=text, engine=text)
        calls = (ToolCall("call", text, text),)
        prompt = (
            ChatMessage(Role.SYSTEM, text),
            ChatMessage(Role.ASSISTANT, text, calls),
            ChatMessage(Role.USER, text),
        )
        full = rated(text, liked, RatingInput(Verdict.DOWN), RatingInput(), answer=text)
        example = replace(
            snapshot("e", text, text, prompt=prompt, provenance=provenance, campaign_id=text),
            owner_id=text,
            variant=1,
            language=text,
        )
        review = Review(text, text, START, ReviewState.CHECKED, text, text)
        full = replace(full, snapshot=example, review=review)
        bare = rated("e2", answer="", question="", usage=None, timing=None, provenance=None)
        named = RatingFilter(
            text,
            START.date(),
            START.date(),
            text,
            preset_id=text,
            verdict=Verdict.UP,
            reason=text,
            corrected=True,
            language=text,
            model=text,
            standing=ReviewStatus.CHECKED,
            assignee=text,
        )
        options = FilterOptions({text: text}, {text: text}, (text, "wrong-facts"), (text,), ("en",))
        page = RatingPage((full, bare), Cursor(START, text))
        for number, found in enumerate(
            [
                RatingListView(
                    named, page, RatingCounts(1234, 1, 1, 1, 1, 5), options, self.names, [user]
                ),
                RatingListView(
                    RatingFilter(), page, RatingCounts(3), FilterOptions(), first_page=False
                ),
                RatingListView(
                    RatingFilter(), RatingPage(()), RatingCounts(votes=2), FilterOptions()
                ),
            ]
        ):
            yield f"results {number}", results_page(locale, user, found)
        versions = (Rating("e", "ann", 0, RatingInput(), START), *full.ratings)
        detail = AnswerDetail(full, versions, (full, bare))
        view = AnswerView(
            detail, named, options, escape(text), text, self.names, [self.member, self.user]
        )
        yield "answer", answer_page(locale, user, view)
        plain = AnswerView(
            AnswerDetail(bare, bare.ratings), RatingFilter(), FilterOptions(), Markup()
        )
        yield "answer without text", answer_page(locale, LOCAL, plain)

    def _votes(self) -> Iterator[tuple[str, str]]:
        """With answers of hostile models, without answers, and without a plan."""
        locale, user, text = self.locale, self.user, self.text
        provenance = replace(PROVENANCE, model=text, quantization=text, system_prompt=text)
        comparison = replace(voted_comparison(comment=text).comparison, question=text, task_id=text)
        left, right = (path(name, text, text, provenance=provenance) for name in ("left", "right"))
        variants = (Variant(text), Variant(text))
        plan = Plan(text, Mode.BLIND, variants, (Task(text, text),))
        campaign = Campaign(comparison.campaign_id, "ann", plan, START)
        options = VoteFilterOptions({campaign.id: campaign}, (text, "ann"))
        filters = VoteFilter(
            campaign.id,
            words=text,
            choice=VoteChoice.LEFT,
            winner=1,
            task_id=text,
            tester=text,
        )
        page = VotePage(
            (
                comparison,
                *(replace(comparison, choice=choice, comment="") for choice in VoteChoice),
            ),
            Cursor(START, text),
        )
        yield (
            "votes",
            votes_page(
                locale,
                user,
                VoteListView(filters, page, VoteCounts(1), options, self.names, first_page=False),
            ),
        )
        unknown = VoteListView(
            VoteFilter(text), page, VoteCounts(), VoteFilterOptions(), self.names
        )
        yield "votes of an unknown campaign", votes_page(locale, user, unknown)
        nothing = VoteListView(VoteFilter(), VotePage(()), VoteCounts(), VoteFilterOptions())
        yield "no votes", votes_page(locale, user, nothing)
        voted = VotedComparison(comparison, left, right)
        full = VoteView(voted, filters, campaign, escape, text, {"helper": text}, self.names)
        yield "vote", vote_page(locale, user, full)
        without_answers = VotedComparison(
            replace(comparison, choice=VoteChoice.TIE, comment=""), (), right
        )
        yield (
            "vote without an answer",
            vote_page(locale, user, VoteView(without_answers, filters, None, escape)),
        )

    def _case(self) -> Case:
        text = self.text
        prompt = (
            ChatMessage(Role.SYSTEM, text),
            ChatMessage(Role.ASSISTANT, text, (ToolCall("call", text, text),)),
            ChatMessage(Role.USER, text),
        )
        checks = tuple(Check(kind, text) for kind in CheckKind)
        return Case("k", "1", text, prompt, checks, START, LONG, f"{text} and more", text)

    def _run(self, name: str = "r") -> Run:
        text = self.text
        return Run(name, "1", text, text, text, text, text, START, self.preset.ref, START)

    def _run_views(self) -> RunsView:
        counts = [
            VerdictCounts(self._run(), dict.fromkeys(CaseVerdict, 3)),
            VerdictCounts(replace(self._run("r2"), preset=None, label=""), {}),
        ]
        return RunsView(counts, {self.preset.ref: self.text})

    def _cases(self) -> Iterator[tuple[str, str]]:
        locale, user, case = self.locale, self.user, self._case()
        for case_list in ([case], []):
            yield (
                f"cases {len(case_list)}",
                cases_page(
                    locale,
                    user,
                    cases=case_list,
                    shipped=[replace(case, id="shipped.en", checks=())],
                    runs=self._run_views() if case_list else RunsView((), {}),
                    choices=self.choices if case_list else PlanOptions(),
                ),
            )
        text = CaseText(
            case.name, case.prompt, case.checks, case.sampling, case.reference, self.text
        )
        yield "case", case_page(locale, user, text, case_id="k")
        yield "case shipped", case_page(locale, user, text, case_id="k", shipped=True)
        yield "case new", case_page(locale, LOCAL, EMPTY_CASE)

    def _runs(self) -> Iterator[tuple[str, str]]:
        locale, user, text = self.locale, self.user, self.text
        case, run, runs = self._case(), self._run(), self._run_views()
        results = {
            f"{verdict}": Result(
                "r", f"{verdict}", text, verdict, (0, 1, 99), timing=TIMING, judged_by=text
            )
            for verdict in CaseVerdict
        }
        results["k"] = Result("r", "k", f"{text} b", CaseVerdict.FAILED, (0, 4))
        results["e"] = Result("r", text, "", CaseVerdict.ERROR, error_code=text)
        cases = {name: replace(case, id=name) for name in (*CaseVerdict, "k")}
        unreferenced = {name: replace(one, reference="") for name, one in cases.items()}
        others = {"k": Result("r2", "k", f"{text} c", CaseVerdict.CHANGED)}
        views = [
            RunView(run, results, cases),
            RunView(run, results, unreferenced, self._run("r2"), others),
            RunView(replace(run, ended_at=None, label=""), {}, {}, progress=(1, 3)),
            RunView(replace(run, ended_at=None, preset=None), {}, {}),
        ]
        for number, view in enumerate(views):
            yield f"run {number}", run_page(locale, user, view, runs)
        yield "run alone", run_page(locale, user, views[0], RunsView(runs.runs[:1], {}))
