"""What can go wrong, as types with stable codes; doors map them to statuses and words."""


class AppError(Exception):
    """Something a person or program is told. `values` fill the translated sentence for `code`."""

    code = "internal_error"

    def __init__(self, message: str = "", **values: object) -> None:
        super().__init__(message or self.of_its_kind())
        self.values = values

    @classmethod
    def of_its_kind(cls) -> str:
        """What all errors of a kind say: the first paragraph of its docstring, without values."""
        said = (cls.__doc__ or cls.code).partition("Values:")[0].partition("\n\n")[0]
        return " ".join(said.split())


class BadRequest(AppError):
    """The request cannot be served as it is."""

    code = "bad_request"


class EmptyMessage(BadRequest):
    """The message is empty."""

    code = "empty_message"


class BadText(BadRequest):
    """The text holds characters that cannot be stored (NUL or half of a surrogate pair)."""

    code = "bad_text"


class MessageTooLong(BadRequest):
    """The message has more characters than are accepted.

    Values: characters, limit; field, where it stands in one of a form; what, where it is a part
    of a rating (comment or correction).
    """

    code = "message_too_long"


class InvalidSetting(BadRequest):
    """A sampling setting is out of bounds. Values: name, low, high."""

    code = "invalid_setting"


class PromptTooLong(BadRequest):
    """A single message does not fit the context. Values: tokens, limit."""

    code = "context_length_exceeded"


class BadSchema(BadRequest):
    """A JSON schema cannot be kept to. Values: where (the part of it), why."""

    code = "bad_schema"


class ModelNotFound(AppError):
    """There is no model of that name here. Values: model."""

    code = "model_not_found"


class BadKey(AppError):
    """The API key is unknown, expired or revoked."""

    code = "invalid_api_key"


class KeyNotAllowed(AppError):
    """The API key is not for this. Values: scope."""

    code = "key_not_allowed"


class PromptLost(BadRequest):
    """The exact prompt cannot be made again: messages before it were deleted or brought in."""

    code = "prompt_lost"


class AnswerRunning(BadRequest):
    """Another answer is being written in this conversation."""

    code = "answer_running"


class RenamedMeanwhile(BadRequest):
    """The conversation was given another name meanwhile. Values: title."""

    code = "renamed_meanwhile"


class BadAttachment(BadRequest):
    """The file is not text, or too large. Values: name, limit (characters)."""

    code = "bad_attachment"


class BadImport(BadRequest):
    """The file cannot be imported. Values: where (line or field), why."""

    code = "bad_import"


class NotJson(BadImport):
    """The file is no JSON, or no text. Values: as of BadImport."""

    code = "import_not_json"


class UnknownFormat(BadImport):
    """The file is JSON of no known kind. Values: as of BadImport."""

    code = "import_unknown_format"


class NothingToImport(BadImport):
    """The file holds no conversation. Values: as of BadImport."""

    code = "import_nothing"


class TooManyMessages(BadImport):
    """A conversation of the file has more messages than are taken. Values: as of BadImport."""

    code = "import_too_many_messages"


class UnknownParent(BadImport):
    """A message of the file is below one that is not there. Values: as of BadImport."""

    code = "import_unknown_parent"


class CircleOfMessages(BadImport):
    """Messages of the file are below each other. Values: as of BadImport."""

    code = "import_circle"


class BadPresetName(BadRequest):
    """The preset's name is missing, too long, or of more than one line. Values: limit."""

    code = "bad_preset_name"


class BadPresetQuestions(BadRequest):
    """There are too many opening questions, or one is empty, too long or with control characters.

    Values: count (most questions), limit (characters of each).
    """

    code = "bad_preset_questions"


class BadName(BadRequest):
    """The name is missing, too long, or has control characters. Values: limit."""

    code = "bad_name"


class BadPassword(BadRequest):
    """The new password is too short, too long, or the name itself. Values: low, high."""

    code = "bad_password"


class NameTaken(BadRequest):
    """Somebody else has that name."""

    code = "name_taken"


class LastAdmin(BadRequest):
    """There would be no administrator any more."""

    code = "last_admin"


class LinkFull(BadRequest):
    """As many guests as the link is for have come by it. Values: limit."""

    code = "link_full"


class NotRatable(BadRequest):
    """Only an answer that the model has written here, and that is kept, can be rated."""

    code = "not_ratable"


class EmptyOpinion(BadRequest):
    """Nothing was said of the answer: no verdict, reason, comment or correction."""

    code = "empty_opinion"


class UnknownReason(BadRequest):
    """A reason is not one of those that are offered. Values: reason."""

    code = "unknown_reason"


class SignInNeeded(AppError):
    """Nobody is signed in, or no longer."""

    code = "sign_in_needed"


class WrongPassword(AppError):
    """The name or the password is wrong: which of the two is not said."""

    code = "wrong_password"


class ProviderRefused(AppError):
    """The OpenID provider, or the proxy that signs people in, did not vouch for anybody new."""

    code = "provider_refused"


class TooManyAttempts(AppError):
    """Too many wrong passwords, or wrong keys. Values: retry_after_s."""

    code = "too_many_attempts"


class QuotaExceeded(AppError):
    """A person or address has used what it may. Values: retry_after_s, limit."""

    code = "quota_exceeded"


class TooManyRequests(QuotaExceeded):
    """A person or address asks too often. Values: limit (in a minute), retry_after_s."""

    code = "too_many_requests"


class TokensUsedUp(QuotaExceeded):
    """The tokens of the day are used up. Values: limit, retry_after_s, hours (the same)."""

    code = "tokens_used_up"


class GuestMessagesUsedUp(QuotaExceeded):
    """A guest has asked all the questions that the link gives. Values: limit."""

    code = "guest_messages_used_up"


class GuestTokensUsedUp(QuotaExceeded):
    """A guest has used all the tokens that the link gives. Values: limit."""

    code = "guest_tokens_used_up"


class TooManyWaiting(AppError):
    """This person has enough questions waiting. Values: limit, retry_after_s (None: unknown)."""

    code = "too_many_waiting"


class NotFound(AppError):
    """There is no such thing, or it is somebody else's: the two look the same."""

    code = "not_found"


class Busy(AppError):
    """The queue is full. Values: limit."""

    code = "server_overloaded"


class ShuttingDown(AppError):
    """The server is being stopped and takes no more questions."""

    code = "shutting_down"


class QueueTimeout(AppError):
    """The request waited longer than is allowed. Values: seconds."""

    code = "queue_timeout"


class EngineNotReady(AppError):
    """The model is not loaded yet."""

    code = "engine_not_ready"


class EngineNotServing(EngineNotReady):
    """A model that was chosen by name is not running. Values: engine (its name)."""

    code = "engine_not_serving"


class EngineFailed(AppError):
    """The engine failed while writing this answer."""

    code = "engine_failed"


class OutOfMemory(EngineFailed):
    """The device ran out of memory while writing this answer."""

    code = "out_of_memory"


class EngineStalled(EngineFailed):
    """No prefill chunk and no token came for too long. Values: seconds."""

    code = "engine_stalled"


class RequestTimeout(AppError):
    """The answer took longer than is allowed. Values: seconds."""

    code = "request_timeout"


class StoreFailed(AppError):
    """The database could not be written or read: disk full, connection lost."""

    code = "store_failed"


class StartupError(AppError):
    """The app cannot start: one plain sentence that says what to do."""

    code = "startup_error"


class ModelUnavailable(StartupError):
    """The model cannot be had or used: unknown, damaged, missing, or no source answers."""

    code = "model_unavailable"
