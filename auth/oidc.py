"""Sign-in with an OpenID provider: authorization code flow with PKCE, state and nonce.

Contacts only the configured issuer and the endpoints in its discovery document. Knows no accounts:
it returns the identity that the provider has authenticated.
"""

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from httpx2 import HTTPError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from chat.accounts.errors import ProviderRefused
from chat.accounts.models import Timer
from chat.accounts.sso import ExternalIdentity, PendingSignIn

DESCRIPTION = "/.well-known/openid-configuration"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Asymmetric signatures only: never HMAC with a shared secret, never "none"."""

SCOPE = "openid profile"
TIMEOUT_S = 10.0
"""Of each request to the provider."""
DESCRIPTION_S = 3600.0
"""For how long the discovery document is used. A failure is not kept."""
LEEWAY_S = 60
"""Tolerated difference between our clock and the provider's."""


class OpenIdProvider:
    """`chat.accounts.sso.IdentityProvider` over one issuer."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        timer: Timer = time.monotonic,
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._timer = timer
        self._described: asyncio.Task[Mapping[str, str]] | None = None
        self._described_at = 0.0

    async def begin(self, return_to: str) -> PendingSignIn:
        """The URL for the browser, and the state to keep meanwhile. Raises ProviderRefused."""
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        async with self._client(return_to) as client:
            described = await self._description()
            url, state = client.create_authorization_url(
                described["authorization_endpoint"], nonce=nonce, code_verifier=verifier
            )
        return PendingSignIn(str(url), str(state), nonce, verifier, return_to)

    async def finish(self, begun: PendingSignIn, query: Mapping[str, str]) -> ExternalIdentity:
        """The authenticated identity. `query` holds the parameters of the callback.

        Raises ProviderRefused.
        """
        code = query.get("code")
        right = secrets.compare_digest(query.get("state", "").encode(), begun.state.encode())
        # `iss` (RFC 9207) must be our issuer: it prevents mix-up attacks.
        if not right or not code or query.get("iss", self._issuer).rstrip("/") != self._issuer:
            raise ProviderRefused
        try:
            async with self._client(begun.return_to) as client:
                described = await self._description()
                token = await client.fetch_token(
                    described["token_endpoint"], code=code, code_verifier=begun.verifier
                )
                keys = await self._json(client, described["jwks_uri"])
            return self._vouched(token["id_token"], keys, described["issuer"], begun.nonce)
        except (HTTPError, OAuthError, JoseError, KeyError, TypeError, ValueError) as error:
            raise ProviderRefused from error

    def _vouched(self, id_token: str, keys: Any, issuer: str, nonce: str) -> ExternalIdentity:
        claims = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims
        JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
        if claims.get("azp", self._client_id) != self._client_id:
            raise ProviderRefused
        name = claims.get("preferred_username") or claims.get("name") or claims["sub"]
        return ExternalIdentity(self._issuer, str(claims["sub"]), str(name))

    def _client(self, return_to: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method=None if self._client_secret else "none",
            scope=SCOPE,
            redirect_uri=return_to,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    async def _description(self) -> Mapping[str, str]:
        """The discovery document, fetched once for all requests within `DESCRIPTION_S`."""
        task, now = self._described, self._timer()
        failed = task and task.done() and (task.cancelled() or task.exception())
        if task is None or failed or now - self._described_at >= DESCRIPTION_S:
            task = self._described = asyncio.create_task(self._fetch_description())
            self._described_at = now
        return await asyncio.shield(task)  # a disconnect does not end it for others

    async def _fetch_description(self) -> Mapping[str, str]:
        async with self._client("") as client:
            described: Mapping[str, str] = await self._json(client, self._issuer + DESCRIPTION)
        if described.get("issuer", "").rstrip("/") != self._issuer:
            raise ProviderRefused
        return described

    @staticmethod
    async def _json(client: AsyncOAuth2Client, address: str) -> Any:
        try:
            answer = await client.request("GET", address, withhold_token=True)
            answer.raise_for_status()
            return answer.json()
        except (HTTPError, ValueError) as error:
            raise ProviderRefused from error
