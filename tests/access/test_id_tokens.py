"""A corpus of forged tokens: what earlier verifiers believed, each with the token that would be right beside it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from access.errors import SignInFailed
from access.id_tokens import IdTokens

ISSUER, CLIENT, NONCE = "https://id.clinic.example", "throughline", "a-nonce"
EC_KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    made = {
        "ES256": jwt.algorithms.ECAlgorithm,
        "RS256": jwt.algorithms.RSAAlgorithm,
        "EdDSA": jwt.algorithms.OKPAlgorithm,
    }
    return {**made[ALGORITHMS[kid]].to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}  # type: ignore[attr-defined]


ALGORITHMS = {"ec": "ES256", "rsa": "RS256", "ed": "EdDSA"}
KEYS: dict[str, Any] = {"ec": EC_KEY, "rsa": RSA_KEY, "ed": ED_KEY}
JWKS = {"keys": [{"kty": "EC", "kid": "broken"}, "nonsense", *(jwk(KEYS[kid], kid) for kid in KEYS)]}


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {"iss": ISSUER, "sub": "s-102", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": NONCE, **changed}
    return {name: value for name, value in made.items() if value is not None}


def signed(kid: str = "ec", headers: dict[str, Any] | None = None, key: Any = None, **changed: Any) -> str:
    return jwt.encode(claims(**changed), key or KEYS[kid], ALGORITHMS[kid], headers={"kid": kid, **(headers or {})})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: dict[str, Any], payload: dict[str, Any], sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(payload).encode())}"
    return f"{body}.{b64(sign(body.encode()))}"


def hmac_with(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda body: hmac.new(secret, body, hashlib.sha256).digest()


def public_pem(key: Any) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(encoding, form))


def read(token: str, jwks: Any = None, nonce: str = NONCE) -> Any:
    return IdTokens(CLIENT).read(token, ISSUER, JWKS if jwks is None else jwks, nonce)


@pytest.mark.parametrize("kid", KEYS)
def test_what_the_provider_signed_for_this_sign_in_is_believed(kid: str) -> None:
    assert read(signed(kid))["sub"] == "s-102"
    assert read(signed(kid, aud=[CLIENT], azp=CLIENT))["sub"] == "s-102"


NOW = int(time.time())
HS_HEADER = {"alg": "HS256", "kid": "rsa", "typ": "JWT"}
FORGED: dict[str, str] = {
    "no algorithm, no signature": by_hand({"alg": "none", "kid": "ec"}, claims()),
    "no algorithm in other letters": by_hand({"alg": "nOnE", "kid": "ec"}, claims()),
    "an algorithm of the key's, empty signature": by_hand({"alg": "ES256", "kid": "ec"}, claims()),
    "HMAC with the public RSA key": by_hand(HS_HEADER, claims(), hmac_with(public_pem(RSA_KEY))),
    "HMAC with the public EC key": by_hand({**HS_HEADER, "kid": "ec"}, claims(), hmac_with(public_pem(EC_KEY))),
    "HMAC with the public key after a space": by_hand(HS_HEADER, claims(), hmac_with(b" " + public_pem(RSA_KEY))),
    "HMAC with the JWK": by_hand(HS_HEADER, claims(), hmac_with(json.dumps(jwk(RSA_KEY, "rsa")).encode())),
    "another key of the same kind": signed(key=OTHER_KEY),
    "an algorithm that is not the key's": jwt.encode(claims(), RSA_KEY, "RS256", headers={"kid": "ec"}),
    "another algorithm of the key's kind": jwt.encode(claims(), RSA_KEY, "PS256", headers={"kid": "rsa"}),
    "no key named": jwt.encode(claims(), EC_KEY, "ES256"),
    "a key that is not the provider's": signed(headers={"kid": "stranger"}),
    "a key named by its place": by_hand({"alg": "ES256", "kid": ["ec"]}, claims()),
    "a broken key of the provider": by_hand({"alg": "ES256", "kid": "broken"}, claims()),
    "its own key in the header": signed(key=OTHER_KEY, headers={"jwk": jwk(OTHER_KEY, "ec")}),
    "keys from elsewhere": signed(headers={"jku": "https://evil.example/keys"}),
    "a certificate from elsewhere": signed(headers={"x5u": "https://evil.example/cert"}),
    "a header that must be understood": signed(headers={"crit": ["exp"], "exp": NOW}),
    "a payload that is not encoded": signed(headers={"b64": False, "crit": ["b64"]}),
    "another issuer": signed(iss="https://evil.example"),
    "the issuer with a slash more": signed(iss=f"{ISSUER}/"),
    "a list of issuers": by_hand({"alg": "ES256", "kid": "ec"}, {**claims(), "iss": [ISSUER]}),
    "for another client": signed(aud="another"),
    "for several clients": signed(aud=[CLIENT, "another"]),
    "used by another party": signed(azp="another"),
    "for nobody": signed(aud=None),
    "without a subject": signed(sub=None),
    "without an issue time": signed(iat=None),
    "without an end": signed(exp=None),
    "over for more than a minute": signed(exp=NOW - 61, iat=NOW - 300),
    "from the future": signed(iat=NOW + 600, nbf=NOW + 600),
    "for another sign-in": signed(nonce="another"),
    "without a nonce": signed(nonce=None),
    "as JSON": json.dumps({"payload": "", "signatures": []}),
    "two parts": "a.b",
    "five parts, as if encrypted": "a.b.c.d.e",
    "not base64": "%.%.%",
    "empty": "",
    "very long": signed(filler="x" * 9000),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(SignInFailed) as refused:
        read(token)
    assert "s-102" not in str(refused.value)


def test_every_byte_counts() -> None:
    token = signed("ed")
    head, payload, signature = token.split(".")
    changed = dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))), sub="s-106")
    with pytest.raises(SignInFailed):
        read(f"{head}.{b64(json.dumps(changed).encode())}.{signature}")


@pytest.mark.parametrize("jwks", [{}, {"keys": None}, {"keys": {}}, {"keys": [None, 1, "x"]}, {"keys": []}])
def test_a_provider_without_usable_keys_vouches_for_nobody(jwks: Any) -> None:
    with pytest.raises(SignInFailed):
        read(signed(), jwks)


def test_a_key_for_encryption_signs_nothing() -> None:
    with pytest.raises(SignInFailed):
        read(signed(), {"keys": [jwk(EC_KEY, "ec", use="enc")]})


def test_a_key_published_for_another_algorithm_is_not_used() -> None:
    with pytest.raises(SignInFailed):
        read(signed(), {"keys": [jwk(EC_KEY, "ec", alg="ES384")]})
