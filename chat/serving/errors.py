"""What can go wrong while a request waits or is generated."""

from chat.errors import AppError, BadRequest


class PromptTooLong(BadRequest):
    """A single message does not fit the context. Values: tokens, limit."""

    code = "context_length_exceeded"


class BadSchema(BadRequest):
    """A JSON schema cannot be kept to. Values: where (the part of it), why."""

    code = "bad_schema"


class ModelNotFound(AppError):
    """There is no model of that name here. Values: model."""

    code = "model_not_found"


class TooManyWaiting(AppError):
    """This person has enough questions waiting. Values: limit, retry_after_s (None: unknown)."""

    code = "too_many_waiting"


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
