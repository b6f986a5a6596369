"""Reads ID tokens of the one configured OpenID provider. The only place where a token is believed.

PyJWT checks signature, times, issuer and audience. Around it stand the rules that its users got wrong in the past: the
algorithm belongs to the key and not to the token's header, keys come only from the configured provider, no header field
that must be understood is ignored, and a token has one compact form of bounded size.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt

from access.errors import SignInFailed

_ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
"""The one algorithm for each type of key. Symmetric ones are never accepted."""
_MOST_BYTES = 8192
_LEEWAY = timedelta(seconds=60)
_MUST_HAVE = ("exp", "iat", "iss", "aud", "sub", "nonce")
_HEADERS = frozenset({"alg", "kid", "typ"})


class IdTokens:
    """The verifier for one client id."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id

    def read(self, token: str, issuer: str, jwks: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """The token's claims.

        Args:
            token: In compact form.
            issuer: The configured provider's, exactly as it publishes it.
            jwks: The provider's keys, as it publishes them.
            nonce: What this sign-in sent; a token for another sign-in is refused.

        Raises:
            SignInFailed: The token is not what the provider signed for this sign-in.
        """
        key, algorithm = self._key_for(token, jwks)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key=key,
                algorithms=[algorithm],
                audience=self._client_id,
                issuer=issuer,
                leeway=_LEEWAY,
                options={"require": list(_MUST_HAVE), "strict_aud": False},
            )
        except jwt.PyJWTError as error:
            raise _refused(type(error).__name__) from None
        self._check_claims(claims, nonce)
        return claims

    def _key_for(self, token: str, jwks: Mapping[str, Any]) -> tuple[Any, str]:
        if len(token) > _MOST_BYTES or token.count(".") != 2:
            raise _refused("size-or-form")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise _refused("header") from None
        if not header.keys() <= _HEADERS:
            raise _refused("header-field")
        found = _key_named(header.get("kid"), jwks)
        algorithm = _ALGORITHMS.get(str(found.get("kty")))
        if algorithm is None or header.get("alg") != algorithm or found.get("alg", algorithm) != algorithm:
            raise _refused("algorithm")
        try:
            return jwt.PyJWK(dict(found), algorithm=algorithm).key, algorithm
        except jwt.PyJWTError:
            raise _refused("key") from None

    def _check_claims(self, claims: Mapping[str, Any], nonce: str) -> None:
        if claims["nonce"] != nonce:
            raise _refused("nonce")
        audience = claims["aud"]
        if not isinstance(claims["iss"], str) or not isinstance(claims["sub"], str):
            raise _refused("claim-type")
        if (isinstance(audience, list) and len(audience) > 1) or claims.get("azp", self._client_id) != self._client_id:
            raise _refused("audience")


def _key_named(kid: object, jwks: Mapping[str, Any]) -> Mapping[str, Any]:
    """The provider's signing key of that name. A malformed entry beside it does not matter."""
    keys = jwks.get("keys")
    for each in keys if isinstance(keys, list) else ():
        if isinstance(each, dict) and kid is not None and each.get("kid") == kid and each.get("use", "sig") == "sig":
            return each
    raise _refused("unknown-key")


def _refused(why: str) -> SignInFailed:
    sentence = "The sign-in service's answer could not be verified. Begin again; if it stays, tell operations."
    return SignInFailed(f"id-token-{why}", sentence)
