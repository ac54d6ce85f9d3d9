"""Every domain error has an HTTP status."""

from collections.abc import Iterator

import pytest

from api.edge.errors import retry_after, status_of
from chat.accounts.errors import (
    BadKey,
    BadName,
    BadPassword,
    GuestMessagesUsedUp,
    GuestTokensUsedUp,
    KeyNotAllowed,
    LastAdmin,
    LinkFull,
    NameTaken,
    ProviderRefused,
    QuotaExceeded,
    SignInNeeded,
    TokensUsedUp,
    TooManyAttempts,
    TooManyRequests,
    WrongPassword,
)
from chat.campaigns.errors import (
    AnswersUnfinished,
    BadPlan,
    CampaignDraft,
    CampaignNotBegun,
    CampaignOver,
    CampaignPaused,
    CompareOnly,
    ConsentNeeded,
    NoPart,
    OutsideCampaign,
    PlanInUse,
    SkipReasonNeeded,
    VoteFrozen,
    VoteNeeded,
)
from chat.conversations.errors import (
    AnswerRunning,
    BadAttachment,
    BadImport,
    BadPresetName,
    BadPresetQuestions,
    CircleOfMessages,
    ForeignFormat,
    NothingToImport,
    NotJson,
    NotShareable,
    PlacesNeeded,
    PromptConcealed,
    PromptLost,
    RenamedMeanwhile,
    ShareTooLarge,
    SharingOff,
    TooManyMessages,
    TooManyShares,
    UnknownFormat,
    UnknownParent,
)
from chat.errors import (
    AppError,
    BadRequest,
    BadText,
    EmptyMessage,
    InvalidSetting,
    MessageTooLong,
    ModelUnavailable,
    NotFound,
    StartupError,
    StoreFailed,
)
from chat.evaluation.errors import BadCase, BadCheck, CheckTooCostly, RunInProgress
from chat.feedback.errors import EmptyRating, NothingToExport, NotRatable, UnknownReason
from chat.serving.errors import (
    BadSchema,
    Busy,
    EngineFailed,
    EngineNotReady,
    EngineNotServing,
    EngineStalled,
    ModelNotFound,
    OutOfMemory,
    PromptTooLong,
    QueueTimeout,
    RequestTimeout,
    ShuttingDown,
    TooManyWaiting,
)

EXPECTED = {
    AppError: 500,
    BadRequest: 400,
    EmptyMessage: 400,
    BadText: 400,
    MessageTooLong: 400,
    InvalidSetting: 400,
    PromptTooLong: 400,
    BadSchema: 400,
    BadCase: 400,
    BadCheck: 400,
    CheckTooCostly: 400,
    RunInProgress: 409,
    BadPlan: 400,
    CampaignDraft: 400,
    PlanInUse: 409,
    NoPart: 403,
    ConsentNeeded: 403,
    CampaignNotBegun: 403,
    CampaignOver: 403,
    CampaignPaused: 403,
    OutsideCampaign: 403,
    CompareOnly: 403,
    PlacesNeeded: 403,
    SharingOff: 403,
    AnswersUnfinished: 409,
    VoteFrozen: 409,
    VoteNeeded: 409,
    NothingToExport: 409,
    SkipReasonNeeded: 400,
    ModelNotFound: 404,
    BadKey: 401,
    KeyNotAllowed: 403,
    AnswerRunning: 409,
    PromptConcealed: 400,
    PromptLost: 400,
    NotShareable: 400,
    ShareTooLarge: 400,
    TooManyShares: 400,
    RenamedMeanwhile: 409,
    BadAttachment: 400,
    BadImport: 400,
    NotJson: 400,
    UnknownFormat: 400,
    ForeignFormat: 400,
    NothingToImport: 400,
    TooManyMessages: 400,
    UnknownParent: 400,
    CircleOfMessages: 400,
    BadPresetName: 400,
    BadPresetQuestions: 400,
    BadName: 400,
    BadPassword: 400,
    NameTaken: 409,
    LastAdmin: 409,
    LinkFull: 403,
    NotRatable: 400,
    EmptyRating: 400,
    UnknownReason: 400,
    SignInNeeded: 401,
    WrongPassword: 401,
    ProviderRefused: 401,
    TooManyAttempts: 429,
    QuotaExceeded: 429,
    TooManyRequests: 429,
    TokensUsedUp: 429,
    GuestMessagesUsedUp: 429,
    GuestTokensUsedUp: 429,
    TooManyWaiting: 429,
    NotFound: 404,
    Busy: 503,
    ShuttingDown: 503,
    QueueTimeout: 503,
    EngineNotReady: 503,
    EngineNotServing: 503,
    EngineFailed: 500,
    OutOfMemory: 500,
    EngineStalled: 504,
    RequestTimeout: 504,
    StoreFailed: 503,
    StartupError: 500,
    ModelUnavailable: 500,
}


def kinds(root: type[AppError] = AppError) -> Iterator[type[AppError]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def test_every_error_class_has_an_expected_status() -> None:
    assert {kind for kind in kinds() if kind.__module__.startswith("chat.")} == EXPECTED.keys()


@pytest.mark.parametrize(("kind", "status"), EXPECTED.items(), ids=str)
def test_an_error_class_has_its_status(kind: type[AppError], status: int) -> None:
    assert status_of(kind()) == status


@pytest.mark.parametrize("kind", EXPECTED, ids=str)
def test_the_message_of_an_error_class_is_one_line_without_placeholders(
    kind: type[AppError],
) -> None:
    message = str(kind())
    assert message
    assert "\n" not in message
    assert "  " not in message
    assert "Values:" not in message


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (TooManyRequests(limit=20, retry_after_s=12.1), "13"),
        (TokensUsedUp(limit=9, retry_after_s=0.0, hours=1), "1"),
        (TooManyWaiting(limit=4, retry_after_s=None), "5"),
        (Busy(limit=64), "5"),
        (GuestMessagesUsedUp(limit=30), None),
        (NotFound(), None),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_temporary_errors_have_a_retry_after_header(error: AppError, seconds: str | None) -> None:
    assert retry_after(error, status_of(error)).get("Retry-After") == seconds
