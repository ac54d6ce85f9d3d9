"""What can go wrong with accounts, API keys and quotas."""

from chat.errors import AppError, BadRequest


class BadKey(AppError):
    """The API key is unknown, expired or revoked."""

    code = "invalid_api_key"


class KeyNotAllowed(AppError):
    """The API key is not for this. Values: scope."""

    code = "key_not_allowed"


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
