"""Every error of the domain has an HTTP status that says whose turn it is."""

from collections.abc import Iterator

import pytest

from api.errors import retry_after, status_of
from chat import campaign_errors, case_errors, errors
from chat.errors import AppError

EXPECTED = {
    AppError: 500,
    errors.BadRequest: 400,
    errors.EmptyMessage: 400,
    errors.BadText: 400,
    errors.MessageTooLong: 400,
    errors.InvalidSetting: 400,
    errors.PromptTooLong: 400,
    errors.BadSchema: 400,
    case_errors.BadCase: 400,
    case_errors.BadCheck: 400,
    case_errors.CheckTooCostly: 400,
    case_errors.RunGoingOn: 409,
    campaign_errors.BadPlan: 400,
    campaign_errors.PlanInUse: 409,
    campaign_errors.NoPart: 403,
    campaign_errors.ConsentNeeded: 403,
    campaign_errors.CampaignNotBegun: 403,
    campaign_errors.CampaignOver: 403,
    campaign_errors.OutsideCampaign: 403,
    campaign_errors.CompareOnly: 403,
    campaign_errors.PlacesNeeded: 403,
    campaign_errors.AnswersUnfinished: 409,
    errors.ModelNotFound: 404,
    errors.BadKey: 401,
    errors.KeyNotAllowed: 403,
    errors.AnswerRunning: 409,
    errors.PromptLost: 400,
    errors.RenamedMeanwhile: 409,
    errors.BadAttachment: 400,
    errors.BadImport: 400,
    errors.NotJson: 400,
    errors.UnknownFormat: 400,
    errors.NothingToImport: 400,
    errors.TooManyMessages: 400,
    errors.UnknownParent: 400,
    errors.CircleOfMessages: 400,
    errors.BadPresetName: 400,
    errors.BadPresetQuestions: 400,
    errors.BadName: 400,
    errors.BadPassword: 400,
    errors.NameTaken: 409,
    errors.LastAdmin: 409,
    errors.LinkFull: 403,
    errors.NotRatable: 400,
    errors.EmptyOpinion: 400,
    errors.UnknownReason: 400,
    errors.SignInNeeded: 401,
    errors.WrongPassword: 401,
    errors.ProviderRefused: 401,
    errors.TooManyAttempts: 429,
    errors.QuotaExceeded: 429,
    errors.TooManyRequests: 429,
    errors.TokensUsedUp: 429,
    errors.GuestMessagesUsedUp: 429,
    errors.GuestTokensUsedUp: 429,
    errors.TooManyWaiting: 429,
    errors.NotFound: 404,
    errors.Busy: 503,
    errors.ShuttingDown: 503,
    errors.QueueTimeout: 503,
    errors.EngineNotReady: 503,
    errors.EngineNotServing: 503,
    errors.EngineFailed: 500,
    errors.OutOfMemory: 500,
    errors.EngineStalled: 504,
    errors.RequestTimeout: 504,
    errors.StoreFailed: 500,
    errors.StartupError: 500,
    errors.ModelUnavailable: 500,
}


def kinds(root: type[AppError] = AppError) -> Iterator[type[AppError]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def test_no_kind_of_error_is_forgotten() -> None:
    assert {kind for kind in kinds() if kind.__module__.startswith("chat.")} == EXPECTED.keys()


@pytest.mark.parametrize(("kind", "status"), EXPECTED.items(), ids=str)
def test_a_kind_of_error_has_its_status(kind: type[AppError], status: int) -> None:
    assert status_of(kind()) == status


@pytest.mark.parametrize("kind", EXPECTED, ids=str)
def test_what_a_kind_of_error_says_is_a_line_without_the_names_of_its_values(
    kind: type[AppError],
) -> None:
    said = str(kind())
    assert said
    assert "\n" not in said
    assert "  " not in said
    assert "Values:" not in said


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.TooManyRequests(limit=20, retry_after_s=12.1), "13"),
        (errors.TokensUsedUp(limit=9, retry_after_s=0.0, hours=1), "1"),
        (errors.TooManyWaiting(limit=4, retry_after_s=None), "5"),
        (errors.Busy(limit=64), "5"),
        (errors.GuestMessagesUsedUp(limit=30), None),
        (errors.NotFound(), None),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_who_comes_too_early_is_told_when_to_come_again(
    error: AppError, seconds: str | None
) -> None:
    assert retry_after(error, status_of(error)).get("Retry-After") == seconds
