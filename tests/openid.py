"""A small OpenID provider on a loopback port, which can issue false tokens."""

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "qwen-chat"
SECRET = "the client's secret"


@dataclass
class OpenId:
    """Signs in `subject` without a prompt. `lies` replace claims of the next tokens."""

    subject: str = "42"
    name: str = "Ann"
    lies: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    sign_with: RSAKey | None = None
    requests: dict[str, dict[str, str]] = field(default_factory=dict)
    issuer: str = ""
    described: int = 0
    is_down: bool = False

    def describe(self) -> dict[str, str]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def authorize(self, url: str) -> str:
        """The address to which the browser is redirected."""
        request = dict(parse_qsl(urlsplit(url).query))
        assert request["response_type"] == "code"
        assert request["code_challenge_method"] == "S256"
        code = f"code {len(self.requests)}"
        self.requests[code] = request
        parameters = {"code": code, "state": request["state"], "iss": self.issuer}
        return f"{request['redirect_uri']}?{urlencode(parameters)}"

    def token(self, form: dict[str, str]) -> dict[str, str] | None:
        request = self.requests.pop(form.get("code", ""), None)
        if request is None or request["redirect_uri"] != form["redirect_uri"]:
            return None
        digest = sha256(form["code_verifier"].encode()).digest()
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != request["code_challenge"]:
            return None
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.subject,
            "exp": int(time.time()) + 300,
            "nonce": request["nonce"],
            "preferred_username": self.name,
        }
        claims = {name: value for name, value in (claims | self.lies).items() if value is not None}
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.sign_with or self.key)
        return {"access_token": "a", "token_type": "Bearer", "id_token": signed}


@contextmanager
def serve_openid() -> Iterator[OpenId]:
    """The provider, at its `issuer`."""
    provider = OpenId()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys = {"keys": [provider.key.as_dict(private=False)]}
            if self.path != "/keys":
                provider.described += 1
            answer = keys if self.path == "/keys" else provider.describe()
            self._answer(None if provider.is_down else answer)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(sent).items()}
            self._answer(provider.token(form))

        def _answer(self, body: object) -> None:
            self.send_response(200 if body else 400)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body or {"error": "invalid_grant"}).encode())

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
