"""Every error of the domain has an HTTP status that says whose turn it is."""

from collections.abc import Iterator

import pytest

from api.errors import status_of
from chat import errors
from chat.errors import AppError

EXPECTED = {
    AppError: 500,
    errors.BadRequest: 400,
    errors.EmptyMessage: 400,
    errors.BadText: 400,
    errors.MessageTooLong: 400,
    errors.InvalidSetting: 400,
    errors.PromptTooLong: 400,
    errors.AnswerRunning: 409,
    errors.PromptLost: 400,
    errors.RenamedMeanwhile: 409,
    errors.BadAttachment: 400,
    errors.BadImport: 400,
    errors.BadPresetName: 400,
    errors.BadPresetQuestions: 400,
    errors.BadName: 400,
    errors.BadPassword: 400,
    errors.NameTaken: 409,
    errors.LastAdmin: 409,
    errors.LinkFull: 403,
    errors.SignInNeeded: 401,
    errors.WrongPassword: 401,
    errors.TooManyAttempts: 429,
    errors.QuotaExceeded: 429,
    errors.NotFound: 404,
    errors.Busy: 503,
    errors.ShuttingDown: 503,
    errors.QueueTimeout: 503,
    errors.EngineNotReady: 503,
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
    assert {kind for kind in kinds() if kind.__module__ == errors.__name__} == EXPECTED.keys()


@pytest.mark.parametrize(("kind", "status"), EXPECTED.items(), ids=str)
def test_a_kind_of_error_has_its_status(kind: type[AppError], status: int) -> None:
    assert status_of(kind()) == status
