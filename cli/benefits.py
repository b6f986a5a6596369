"""`throughline benefits`: what the payer answered, with its own words, for the person who must judge it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cli import options as opt
from cli.access import told_in_one_line
from cli.journeys import recorded, unsealed
from cli.output import show_fields, show_json, stdout, table
from domain.benefit_words import other_payers, reasons_in_words, share_in_words
from domain.pathway.coverage import BenefitsAnswered
from domain.wording import moment
from eventstore.events import StoredEvent
from record.codec import from_record


async def benefits(journey_id: opt.JourneyToRead, /, *, json: bool = False) -> None:
    """Show the payer's latest answer with its own words. Needs the clients' keys.

    Args:
        json: Print every answer on record as a JSON list, the latest last.
    """
    with told_in_one_line():
        stored = await unsealed(tuple(s for s in await recorded(journey_id) if s.type == _TYPE))
    if json:
        show_json(
            [
                {"at": each.at, "by": _by(each), "note": each.note, **each.benefits.model_dump(mode="json")}
                for each in _read(stored)
            ]
        )
    elif stored:
        answers = list(_read(stored))
        _show(answers[-1])
        _show_words(answers)
    else:
        stdout.print("the payer has not answered yet")


_TYPE = str(BenefitsAnswered.model_fields["type"].default)


def _read(stored: tuple[StoredEvent, ...]) -> Iterator[BenefitsAnswered]:
    for each in stored:
        event = from_record(each)
        if isinstance(event, BenefitsAnswered):
            yield event


def _by(answer: BenefitsAnswered) -> str | None:
    return f"{answer.by.role} {answer.by.id}" if answer.by else None


def _show(answer: BenefitsAnswered) -> None:
    said = answer.benefits
    show_fields(
        {
            "Verdict": said.verdict,
            "When": moment(answer.at),
            "Verified by": _by(answer),
            "What they noted": answer.note,
            "Payer": said.payer,
            "Other payers named": ", ".join(other_payers(said)) or None,
            "Trace at the clearinghouse": said.trace,
        }
    )
    _list("Why", reasons_in_words(said))
    _list("The client's share", share_in_words(said.cost_share) or ["not stated"])


def _show_words(answers: Sequence[BenefitsAnswered]) -> None:
    """Shows the payer's latest words, even if a person has verified the benefits since."""
    for answer in reversed(answers):
        if answer.benefits.evidence:
            stdout.print()
            rows = [(each.about, ", ".join(each.topics), each.text) for each in answer.benefits.evidence]
            table(f"The payer's own words, {moment(answer.at)}", ("Benefit", "About", "Words"), rows)
            return


def _list(title: str, lines: tuple[str, ...] | list[str]) -> None:
    stdout.print(f"\n{title}", style="bold")
    for line in lines:
        stdout.print(f"  {line}", markup=False)
