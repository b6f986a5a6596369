"""The OpenID provider at which staff sign in: authorisation code with PKCE (RFC 7636), nothing else."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2

from access.errors import ProviderUnreachable, SignInFailed
from access.id_tokens import IdTokens

_PATIENCE_SECONDS = 10.0
_FORM = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The provider as the centre names it.

    Attributes:
        issuer: Its issuer address; a slash at the end makes no difference.
        client_id: The name under which it knows the board.
        client_secret: If it gave the board one.
        staff_claim: The claim that holds the staff id.
    """

    issuer: str
    client_id: str
    client_secret: str | None = None
    staff_claim: str = "sub"


@dataclass(frozen=True, slots=True)
class BegunSignIn:
    """A sign-in that has begun: where to send the browser, and what must come back."""

    address: str
    state: str
    verifier: str
    nonce: str


class Provider:
    """Talks to the provider. What it publishes of itself is read on first use and again when a key is not known."""

    def __init__(self, settings: ProviderSettings, http: httpx2.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._tokens = IdTokens(settings.client_id)
        self._endpoints: Mapping[str, Any] | None = None
        self._jwks: Mapping[str, Any] | None = None

    async def begin(self, redirect_uri: str) -> BegunSignIn:
        """A new sign-in. Raises SignInFailed if the provider does not answer."""
        endpoints = await self._published()
        state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        return BegunSignIn(f"{endpoints['authorization_endpoint']}?{urlencode(asked)}", state, verifier, nonce)

    async def finish(self, code: str, verifier: str, nonce: str, redirect_uri: str) -> str:
        """The staff id of who signed in.

        Raises:
            SignInFailed: The provider does not vouch for them, or does not answer.
        """
        endpoints = await self._published()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        if self._settings.client_secret is not None:
            form["client_secret"] = self._settings.client_secret
        answer = await self._json("POST", str(endpoints["token_endpoint"]), data=form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInFailed("no-id-token", "The sign-in service did not say who you are. Begin again.")
        claims = await self._verified(token, nonce)
        staff_id = claims.get(self._settings.staff_claim)
        if not isinstance(staff_id, str) or not staff_id:
            raise SignInFailed("no-staff-id", "Your account has no staff id. Ask operations to add it.")
        return staff_id

    async def _verified(self, token: str, nonce: str) -> Mapping[str, Any]:
        """The token's claims. The provider may have changed its keys: they are read once more before a refusal."""
        issuer, known = str((await self._published())["issuer"]), self._jwks
        try:
            return self._tokens.read(token, issuer, known or await self._read_keys(), nonce)
        except SignInFailed as refused:
            if known is None or refused.code != "id-token-unknown-key":
                raise
            return self._tokens.read(token, issuer, await self._read_keys(), nonce)

    async def _published(self) -> Mapping[str, Any]:
        if self._endpoints is None:
            issuer = self._settings.issuer.rstrip("/")
            found = await self._json("GET", f"{issuer}/.well-known/openid-configuration")
            if str(found.get("issuer")).rstrip("/") != issuer:
                raise SignInFailed("issuer", "The sign-in service is not the one that is set up. Tell operations.")
            self._endpoints = found
        return self._endpoints

    async def _read_keys(self) -> Mapping[str, Any]:
        endpoints = await self._published()
        self._jwks = await self._json("GET", str(endpoints["jwks_uri"]))
        return self._jwks

    async def _json(self, method: str, address: str, data: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        try:
            answer = await self._http.request(method, address, data=data, headers=_FORM, timeout=_PATIENCE_SECONDS)
        except httpx2.HTTPError:
            raise ProviderUnreachable from None
        if answer.status_code >= 500:
            raise ProviderUnreachable
        try:
            found = answer.json()
        except ValueError:
            found = None
        if answer.status_code != 200 or not isinstance(found, dict):
            raise SignInFailed("provider-refused", "The sign-in service did not accept this sign-in. Begin again.")
        return found


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
