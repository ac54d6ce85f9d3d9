"""The session's cookie: its name, how it is read, set and taken away. Knows no session."""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

NAME = "qwen_chat_session"
MAX_AGE_S = 60 * 24 * 60 * 60
"""A session's longest life; the server ends it earlier."""


@dataclass(frozen=True, slots=True)
class SecretCookie:
    """A cookie that scripts cannot read and other sites' pages cannot send along with a POST.

    Under HTTPS its name has the prefix that keeps neighbours of our host, and whoever answers in
    our name over plain HTTP, from setting one. On a proxy's path it is for that path alone.
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
        """Its value; of several the first, which was set for the longest path."""
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
