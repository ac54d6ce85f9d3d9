"""The session cookie: its name, reading, setting and removing it. Knows no session."""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

NAME = "qwen_chat_session"
MAX_AGE_S = 60 * 24 * 60 * 60
"""Upper bound of the cookie's lifetime; the server ends sessions earlier."""


@dataclass(frozen=True, slots=True)
class SecretCookie:
    """A cookie that scripts cannot read (HttpOnly) and cross-site POSTs do not send (SameSite=Lax).

    Under HTTPS its name has the `__Host-` prefix: neither sibling domains nor plain-HTTP responses
    can set such a cookie. Below a proxy's path it is limited to that path, without the prefix.
    """

    name: str
    path: str
    secure: bool

    @classmethod
    def of(cls, scope: Scope, root_path: str, name: str = NAME) -> "SecretCookie":
        """The cookie for requests like this one."""
        secure = scope.get("scheme") == "https"
        prefix = "__Host-" if secure and not root_path else ""
        return cls(prefix + name, root_path or "/", secure)

    def read(self, scope: Scope) -> str | None:
        """Its value; of several the first, which has the longest path (RFC 6265)."""
        for header in Headers(scope=scope).getlist("cookie"):
            for pair in header.split(";"):
                name, _, value = pair.strip().partition("=")
                if name == self.name and value:
                    return value
        return None

    def set(self, response: Response, value: str, max_age_s: int = MAX_AGE_S) -> None:
        response.set_cookie(
            self.name,
            value,
            max_age=max_age_s,
            path=self.path,
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def remove(self, response: Response) -> None:
        self.set(response, "", max_age_s=0)
