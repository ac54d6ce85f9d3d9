"""What can go wrong with conversations, their files, and presets."""

from chat.errors import AppError, BadRequest


class PromptLost(BadRequest):
    """The exact prompt cannot be made again: messages before it were deleted or brought in."""

    code = "prompt_lost"


class PromptConcealed(BadRequest):
    """The prompt of an answer is kept from the testers of its campaign."""

    code = "prompt_concealed"


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


class ForeignFormat(BadImport):
    """The file is of an application whose files are not read. Values: why, its name."""

    code = "import_foreign_format"


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


class SharingOff(AppError):
    """Conversations cannot be shared by link here: the host has turned it off."""

    code = "sharing_off"


class NotShareable(BadRequest):
    """A conversation of a campaign is not shared: that would reveal what is being compared."""

    code = "not_shareable"


class ShareTooLarge(BadRequest):
    """The conversation is too long to be shared as one page. Values: limit (characters)."""

    code = "share_too_large"


class TooManyShares(BadRequest):
    """The user has too many links that are still valid. Values: limit."""

    code = "too_many_shares"


class PlacesNeeded(AppError):
    """Several answers are to be written at once, for who may have fewer. Values: count."""

    code = "places_needed"
