"""`throughline sign-in` and `sign-out`: who decides on the command line."""

from __future__ import annotations

import json
import secrets
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from access.cli_codes import challenge_of
from cli.access import load_settings
from cli.output import Exit, Stop, stdout
from deploy.settings import Settings

_PATIENCE_SECONDS = 30.0


class SignedIn(BaseModel):
    """A sign-in as it is kept.

    Attributes:
        board: The address of the board at which it is good.
        token: Opens the session; the file can be read by its owner alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    board: str
    person: str
    token: str
    ends_at: datetime


async def sign_in() -> None:
    """Sign in at the board, so that decisions on this command line are yours.

    It prints an address. Open it in a browser where you are signed in at the board, or sign in there, and type the
    code that it shows.
    """
    settings = load_settings()
    board, verifier = board_of(settings), secrets.token_urlsafe(32)
    stdout.print(f"Open {board}/cli?challenge={challenge_of(verifier)}", markup=False, soft_wrap=True)
    stdout.print("Then type the code that it shows:")
    code = sys.stdin.readline().strip()
    if not code:
        raise Stop(Exit.USAGE, "no code was typed; nothing has changed")
    told = await _redeemed(board, code, verifier)
    if told.get("token") is None:
        raise Stop(Exit.REFUSED, "that code is wrong, was used already, or is too old: run `throughline sign-in` again")
    kept = SignedIn(board=board, **told)
    _write(_file(settings), kept)
    stdout.print(f"signed in as {kept.person}, until {kept.ends_at:%Y-%m-%d %H:%M} UTC at the latest", markup=False)


async def sign_out() -> None:
    """End the sign-in of this command line."""
    settings = load_settings()
    here = signed_in(settings)
    _file(settings).unlink(missing_ok=True)
    try:
        async with httpx2.AsyncClient(timeout=_PATIENCE_SECONDS) as http:
            await http.post(f"{here.board}/cli/end", headers={"Authorization": f"Bearer {here.token}"})
    except httpx2.HTTPError:
        raise Stop(
            Exit.UNREACHABLE, "forgotten here; the board does not answer, so the session ends by itself"
        ) from None
    stdout.print("signed out")


def signed_in(settings: Settings) -> SignedIn:
    """Who is signed in here. Stops with `REFUSED` if nobody is."""
    try:
        return SignedIn.model_validate_json(_file(settings).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        raise Stop(
            Exit.REFUSED,
            "you are not signed in: run `throughline sign-in`; an operator of this machine gives --by and --role",
        ) from None


def board_of(settings: Settings) -> str:
    """The board's address. Stops with `UNREACHABLE` if none is known."""
    if settings.board_page is None:
        raise Stop(Exit.UNREACHABLE, "no board is known: set THROUGHLINE_BOARD_URL")
    return settings.board_page


async def _redeemed(board: str, code: str, verifier: str) -> dict[str, Any]:
    try:
        async with httpx2.AsyncClient(timeout=_PATIENCE_SECONDS) as http:
            answer = await http.post(f"{board}/cli/session", json={"code": code, "verifier": verifier})
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
    except (httpx2.HTTPError, ValueError):
        raise Stop(Exit.UNREACHABLE, f"the board at {board} does not answer: try again") from None
    return found


def _file(settings: Settings) -> Path:
    return settings.home / "signed-in.json"


def _write(file: Path, kept: SignedIn) -> None:
    """Writes it for its owner alone, in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(kept.model_dump(mode="json")), encoding="utf-8")
    unfinished.replace(file)
