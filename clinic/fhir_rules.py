"""What the simulated EHR accepts: required fields, R4 status codes, no unknown field, full references."""

from __future__ import annotations

import re
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

KINDS = ("Patient", "EpisodeOfCare", "Task", "Slot", "Schedule", "Coverage")
_STATUS = {
    "EpisodeOfCare": {
        "planned", "waitlist", "active", "onhold", "finished", "cancelled", "entered-in-error",
    },
    "Task": {
        "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress",
        "on-hold", "failed", "completed", "entered-in-error",
    },
    "Slot": {"busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"},
    "Coverage": {"active", "cancelled", "draft", "entered-in-error"},
}  # fmt: skip
_OTHER_CODES = {
    ("Patient", "gender"): {"male", "female", "other", "unknown"},
    ("Task", "intent"): {
        "unknown", "proposal", "plan", "order", "original-order", "reflex-order", "filler-order",
        "instance-order", "option",
    },
    ("Task", "priority"): {"routine", "urgent", "asap", "stat"},
}  # fmt: skip
_REFERENCES = {"EpisodeOfCare": ("patient",), "Task": ("for", "focus"), "Coverage": ("beneficiary",)}
_FULL = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")


def faults(kind: str, body: dict[str, Any]) -> list[str]:
    """What is wrong with `body` as a `kind`, in words; nothing if it is valid."""
    if body.get("resourceType") != kind:
        return ["resourceType does not match the address"]
    return [*_structure(kind, body), *_codes(kind, body), *_references(kind, body)]


def _structure(kind: str, body: dict[str, Any]) -> list[str]:
    if any(value in ([], {}, "", None) for value in body.values()):
        return ["an element is present but empty"]
    try:
        get_fhir_model_class(kind).model_validate(body)
    except ValidationError as error:
        return [f"{'.'.join(str(part) for part in e['loc'])}: {e['type']}" for e in error.errors()]
    return []


def _codes(kind: str, body: dict[str, Any]) -> list[str]:
    found = []
    if kind in _STATUS and body.get("status") not in _STATUS[kind]:
        found.append(f"{kind}.status is not a code of its required value set")
    for (owner, field), codes in _OTHER_CODES.items():
        if owner == kind and field in body and body[field] not in codes:
            found.append(f"{kind}.{field} is not a code of its required value set")
    for past in body.get("statusHistory", ()):
        if past.get("status") not in _STATUS[kind] or "period" not in past:
            found.append(f"{kind}.statusHistory is not valid")
    return found


def _references(kind: str, body: dict[str, Any]) -> list[str]:
    held = [(field, body[field]) for field in _REFERENCES.get(kind, ()) if field in body]
    return [f"{kind}.{field} must be Type/id" for field, value in held if not _is_full(value)]


def _is_full(value: Any) -> bool:
    return isinstance(value, dict) and bool(_FULL.fullmatch(str(value.get("reference", ""))))
