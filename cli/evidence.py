"""`throughline events verify|anchor|export|import`: prove that the record is intact, and move it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from cli.access import load_settings
from cli.output import Exit, Stop, complain, show_fields, show_json, stdout
from cli.progress import progress
from deploy.errors import SettingsError
from deploy.settings import Settings
from eventstore import SchemaMissing, StoreUnavailable
from eventstore.cloudevents import ExportRefused, ImportRefused, check_lines, export_lines, import_lines
from eventstore.verification.anchors import (
    AnchorError,
    SignedHeads,
    public_key_file,
    read_anchors,
    read_public_key,
    read_signing_key,
    sign_head,
)
from eventstore.verification.verify import Verification
from eventstore.verification.verify import verify as verify_record


def verify(
    *, file: Path | None = None, anchors: Path | None = None, public_key: Path | None = None, json: bool = False
) -> None:
    """Check that no event was altered, taken out or put in. Exit code 1 names the first one.

    Args:
        file: Check an export instead of the database: its positions and its hash chain.
        anchors: The file of signed heads; THROUGHLINE_ANCHORS by default. Without one, a record that was cut off at the
            end or given a new chain cannot be detected.
        public_key: The public key of the signatures; by default the one next to THROUGHLINE_SIGNING_KEY.
        json: Print one JSON object.
    """
    settings = load_settings()
    with _understood():
        signed = _signed_heads(settings, anchors, public_key)
        heads = signed.anchors if signed else ()
        if file is not None:
            with _opened(file, "r") as lines:
                verdict = check_lines(lines, heads)
        else:
            with progress("checking") as tell:
                verdict = verify_record(settings.require_database_url(), heads, progress=tell)
    _report(verdict, signed, json=json)


def anchor() -> None:
    """Sign the newest event of the hash chain and add it to the file of signed heads (THROUGHLINE_ANCHORS)."""
    settings = load_settings()
    with _understood():
        key, file = read_signing_key(settings.require_signing_key()), settings.require_anchors()
        signed = sign_head(settings.require_database_url(), key, file, datetime.now(UTC))
    if signed is None:
        stdout.print("the record is empty: there is nothing to sign")
        return
    show_fields({"Position": signed.position, "Hash": signed.hash.hex(), "Kept in": file})


def export(file: Path | None = None, /) -> None:
    """Write the whole record as CloudEvents, one line of JSON per event. Sealed text stays sealed.

    The file gets its name only once it is complete.

    Args:
        file: The file to write; stdout if left out.
    """
    settings = load_settings()
    if file is not None and file.exists():
        raise Stop(Exit.USAGE, f"{file} already exists: choose another name")
    unfinished = file and file.with_name(f"{file.name}.part")
    with _understood(), _opened(unfinished, "w") as out:
        for line in export_lines(settings.require_database_url()):
            out.write(line + "\n")
    if file and unfinished:
        unfinished.rename(file)


def import_(file: Path, /) -> None:
    """Restore an export into an empty record: same positions, times and hashes. All of it or nothing.

    Args:
        file: An export that `throughline events export` wrote.
    """
    settings = load_settings()
    with _understood(), _opened(file, "r") as lines, progress("restoring") as tell:
        count = import_lines(settings.require_database_url(), lines, progress=tell)
    stdout.print(f"{count} events restored; `throughline events verify` checks them")


COMMANDS = (verify, anchor, export, import_)
"""Commands of `throughline events`."""


def _signed_heads(settings: Settings, anchors: Path | None, public_key: Path | None) -> SignedHeads | None:
    file = anchors or settings.anchors
    if file is None or (anchors is None and not file.exists()):
        return None
    key = public_key or (settings.signing_key and public_key_file(settings.signing_key))
    if key is None:
        raise Stop(Exit.USAGE, "no public key: name it with --public-key, or set THROUGHLINE_SIGNING_KEY")
    return read_anchors(file, read_public_key(key))


def _report(verdict: Verification, signed: SignedHeads | None, *, json: bool) -> None:
    fault = verdict.fault
    if signed and signed.torn:
        complain(f"lines {', '.join(map(str, signed.torn))} of the signed heads were cut short and are ignored")
    if json:
        show_json(
            {
                "sound": verdict.is_sound,
                "events": verdict.events,
                "hash": verdict.hash.hex(),
                "signed_heads": verdict.anchors if signed is not None else None,
                "fault": fault and {"kind": fault.kind, "position": fault.position, "sentence": fault.sentence},
            }
        )
    elif fault is None:
        agreeing = (
            f"{verdict.anchors} agree" if signed else "none to compare with: `throughline events anchor` makes one"
        )
        show_fields({"Sound": f"all {verdict.events} events", "Hash": verdict.hash.hex(), "Signed heads": agreeing})
    if fault is not None:
        raise Stop(
            Exit.FAILED,
            f"{fault.sentence} ({fault.kind}); the {verdict.events} events before it are sound. "
            "Keep the database as it is, and compare with a backup or an export",
        )


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (SettingsError, StoreUnavailable, SchemaMissing) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None
    except (AnchorError, ExportRefused, ImportRefused) as error:
        raise Stop(Exit.FAILED, str(error)) from None


@contextmanager
def _opened(file: Path | None, mode: str) -> Iterator[IO[str]]:
    if file is None:
        yield sys.stdout
        return
    try:
        opened = file.open(mode, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Stop(Exit.USAGE, f"{file} cannot be opened: {error.strerror}") from None
    with opened:
        yield opened
