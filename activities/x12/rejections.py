"""What a payer's AAA rejections mean: who must act, and whether asking again is allowed."""

from __future__ import annotations

from collections.abc import Sequence

from activities.x12.response import Rejection
from domain.benefits import Verdict

PAYER_DOWN = frozenset({"42", "80"})
OURS = frozenset({"04", "41", "43", "44", "45", "46", "47", "50", "51", "79", "97", "T4"})
CLIENT_DATA = frozenset({"58", "64", "65", "66", "67", "68", "71", "72", "73", "74", "75", "76", "77", "78"})
_MAY_RESEND = frozenset({"C", "R", "P"})
_FORBIDS_RESENDING = frozenset({"N", "S", "Y", "W", "X"})


def may_retry(rejections: Sequence[Rejection]) -> bool:
    """Whether all of them say that the payer is down and that we may ask again.

    With `Y` the payer holds the request and will answer, with `N` or `S` it will not: neither is asked again.
    """
    return bool(rejections) and all(r.code in PAYER_DOWN and r.follow_up in _MAY_RESEND for r in rejections)


def verdict_of(rejections: Sequence[Rejection]) -> Verdict:
    """Who must act. The most restrictive follow-up among several wins, and our own enrolment goes first."""
    if any(_is_ours(r) for r in rejections):
        return Verdict.PAYER_SIDE
    forbidden = any(r.follow_up in _FORBIDS_RESENDING for r in rejections)
    if not forbidden and any(_is_client_data(r) for r in rejections):
        return Verdict.FIX_AND_RESUBMIT
    return Verdict.NEEDS_REVIEW


def reasons_of(rejections: Sequence[Rejection]) -> tuple[str, ...]:
    """`AAA-<code>` for each, and `AAA04-<code>` where the follow-up forbids asking again."""
    codes = [f"AAA-{_token(r.code)}" for r in rejections]
    codes += [f"AAA04-{r.follow_up}" for r in rejections if r.follow_up in _FORBIDS_RESENDING]
    return tuple(dict.fromkeys(codes))


def _is_ours(rejection: Rejection) -> bool:
    return rejection.code in OURS or (rejection.code == "15" and rejection.loop == "provider")


def _is_client_data(rejection: Rejection) -> bool:
    missing = rejection.code == "15" and rejection.loop in ("subscriber", "dependent")
    return missing or rejection.code in CLIENT_DATA


def _token(code: str) -> str:
    return code if code.isascii() and code.isalnum() and len(code) <= 3 else "UNREADABLE"
