"""A small OpenID provider for demonstrations: the person who opens it says who they are. No password.

It speaks the authorisation code flow with PKCE as real providers do: `python -m clinic.sign_in --people people.json`.
It listens on this machine alone and speaks plain HTTP, which a board with a configured centre refuses.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import html
import json
import secrets
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

_HOST = "127.0.0.1"
_CODE_SECONDS = 60
_TOKEN_SECONDS = 300
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Who are you? · demonstration</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}}
button{{font:inherit;width:100%;text-align:left;padding:.6rem .8rem;margin:.25rem 0;border:1px solid #767676;
border-radius:6px;background:transparent;color:inherit;cursor:pointer;min-height:44px}}
</style></head><body><main><h1>Who are you?</h1>
<p>This sign-in is for demonstrations. It asks for no password, and a configured centre cannot use it.</p>
<form method="post">{fields}{people}</form></main></body></html>"""
_ASKED = ("client_id", "redirect_uri", "state", "nonce", "code_challenge")


class DevelopmentProvider:
    """The provider's state: one signing key, and codes that are used once.

    Args:
        issuer: Its address.
        people: Staff ids with what to show of each.
    """

    def __init__(self, issuer: str, people: dict[str, str]) -> None:
        self._issuer = issuer
        self._people = people
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._key_id = secrets.token_hex(8)
        self._codes: dict[str, dict[str, Any]] = {}

    def app(self) -> Starlette:
        """The provider as an application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._about),
                Route("/keys", self._keys),
                Route("/authorize", self._ask, methods=["GET"]),
                Route("/authorize", self._chosen, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _about(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self._issuer,
                "authorization_endpoint": f"{self._issuer}/authorize",
                "token_endpoint": f"{self._issuer}/token",
                "jwks_uri": f"{self._issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _keys(self, _: Request) -> Response:
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return JSONResponse({"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": "ES256"}]})

    async def _ask(self, request: Request) -> Response:
        asked = request.query_params
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return JSONResponse({"error": "unsupported_response_type"}, 400)
        if any(not asked.get(name) for name in _ASKED) or not _is_here(asked["redirect_uri"]):
            return JSONResponse({"error": "invalid_request"}, 400)
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(asked[name], quote=True)}">' for name in _ASKED
        )
        people = "".join(
            f'<button name="person" value="{html.escape(key, quote=True)}">{html.escape(shown)}</button>'
            for key, shown in self._people.items()
        )
        return HTMLResponse(_PAGE.format(fields=fields, people=people))

    async def _chosen(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        person = form.get("person", "")
        if person not in self._people or any(not form.get(name) for name in _ASKED):
            return JSONResponse({"error": "invalid_request"}, 400)
        if not _is_here(form["redirect_uri"]):
            return JSONResponse({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe(24)
        self._codes[code] = {**form, "until": time.time() + _CODE_SECONDS}
        return RedirectResponse(f"{form['redirect_uri']}?{urlencode({'code': code, 'state': form['state']})}", 303)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        kept = self._codes.pop(form.get("code", ""), None)
        if kept is None or kept["until"] < time.time() or not _fits(kept, form):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "sub": kept["person"],
            "aud": kept["client_id"],
            "iat": now,
            "exp": now + _TOKEN_SECONDS,
            "nonce": kept["nonce"],
        }
        token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._key_id})
        return JSONResponse({"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": token})


def _fits(kept: dict[str, Any], form: dict[str, str]) -> bool:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
    same = all(kept[name] == form.get(name) for name in ("client_id", "redirect_uri"))
    return same and challenge.decode() == kept["code_challenge"] and form.get("grant_type") == "authorization_code"


def _is_here(address: str) -> bool:
    """Whether an address is on this machine: a browser is never sent elsewhere."""
    return urlsplit(address).hostname in _LOOPBACK


def main() -> None:
    """Serves until it is stopped, and writes its port to the ready file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path)
    wanted = parser.parse_args()
    door = socket.create_server((_HOST, wanted.port))
    port = door.getsockname()[1]
    provider = DevelopmentProvider(f"http://{_HOST}:{port}", json.loads(wanted.people.read_text()))
    if wanted.ready_file is not None:
        unfinished = wanted.ready_file.with_suffix(".part")
        unfinished.write_text(json.dumps({"port": port}))
        unfinished.replace(wanted.ready_file)
    config = uvicorn.Config(provider.app(), log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    asyncio.run(uvicorn.Server(config).serve(sockets=[door]))


if __name__ == "__main__":
    main()
