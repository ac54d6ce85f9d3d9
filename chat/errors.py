"""Error types with stable codes; the API maps codes to statuses, pages to texts."""


class AppError(Exception):
    """Something a person or program is told. `values` fill the translated sentence for `code`."""

    code = "internal_error"

    def __init__(self, message: str = "", **values: object) -> None:
        super().__init__(message or self.of_its_kind())
        self.values = values

    @classmethod
    def of_its_kind(cls) -> str:
        """The default message: the first paragraph of the class docstring, without values."""
        sentence = (cls.__doc__ or cls.code).partition("Values:")[0].partition("\n\n")[0]
        return " ".join(sentence.split())


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

    def __init__(self, message: str = "", **values: object) -> None:
        if not message and values.keys() >= {"name", "low", "high"}:
            message = "{name} has to be from {low} to {high}.".format(**values)
        super().__init__(message, **values)


class NotFound(AppError):
    """There is no such thing, or it is somebody else's: the two look the same."""

    code = "not_found"


class StoreFailed(AppError):
    """The database could not be written or read: disk full, connection lost."""

    code = "store_failed"


class StartupError(AppError):
    """The app cannot start: one plain sentence that says what to do."""

    code = "startup_error"


class ModelUnavailable(StartupError):
    """The model cannot be had or used: unknown, damaged, missing, or no source answers."""

    code = "model_unavailable"
