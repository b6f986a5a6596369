"""The discharge plan as a document for the client: a PDF, in usual or in large print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer

from domain.plans import DischargePlan

_PLAIN, _BOLD = "Vera", "VeraBd"
USUAL_POINTS = 12
LARGE_POINTS = 18
"""18 points is what the American Council of the Blind calls large print; unverified."""
_NOTHING = "Nothing is written here yet. Ask your case manager."


class CannotPrint(Exception):
    """The plan has letters that the document's font lacks.

    Attributes:
        letters: Those letters, each once. They are no words.
    """

    def __init__(self, letters: str) -> None:
        super().__init__("the plan has letters that the document's font lacks")
        self.letters = letters


def discharge_document(plan: DischargePlan, reference: str, contacts: Sequence[str], *, large: bool) -> bytes:
    """The plan as a PDF on US letter paper.

    Args:
        reference: What people call the journey; the client's name is not on it.
        contacts: Whom the client can call, of the centre's own.
        large: Whether it is in large print.

    Raises:
        CannotPrint: It cannot be printed without leaving letters out.
    """
    parts = (
        ("Your next appointments", plan.follow_ups),
        ("If you are in a crisis", (*plan.crisis_contacts, *contacts)),
        ("Help near you", plan.resources),
        ("Your medication", plan.medication),
        ("What you did here, and what helped", plan.summary),
    )
    _require_printable((reference, *(line for _, lines in parts for line in lines)))
    written = BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=letter,
        title="Discharge plan",
        author="Throughline",
        lang="en",
    )
    document.build(list(_content(parts, reference, LARGE_POINTS if large else USUAL_POINTS)))
    return written.getvalue()


def _content(parts: Iterable[tuple[str, Sequence[str]]], reference: str, points: int) -> Iterable[Flowable]:
    _fonts()
    text = ParagraphStyle("text", fontName=_PLAIN, fontSize=points, leading=points * 1.4)
    item = ParagraphStyle("item", parent=text, leftIndent=points * 1.5, bulletFontName=_PLAIN, bulletFontSize=points)
    heading = ParagraphStyle(
        "heading", parent=text, fontName=_BOLD, fontSize=points * 1.2, leading=points * 1.6, spaceBefore=points
    )
    title = ParagraphStyle("title", parent=heading, fontSize=points * 1.6, leading=points * 2)
    yield Paragraph("Your discharge plan", title)
    yield Paragraph(f"Journey {escape(reference)}", text)
    yield Spacer(1, points)
    for name, lines in parts:
        written = [line for line in lines if line.strip()]
        items = [Paragraph(escape(line), item, bulletText="•") for line in written or [_NOTHING]]
        yield KeepTogether([Paragraph(name, heading), *items])


def _require_printable(lines: Iterable[str]) -> None:
    known = _fonts().face.charToGlyph
    unknown = {letter for line in lines for letter in line if ord(letter) not in known and not letter.isspace()}
    if unknown:
        raise CannotPrint("".join(sorted(unknown)))


@cache
def _fonts() -> TTFont:
    """Registers the fonts once, and returns the one for text."""
    plain = TTFont(_PLAIN, "Vera.ttf")
    pdfmetrics.registerFont(plain)
    pdfmetrics.registerFont(TTFont(_BOLD, "VeraBd.ttf"))
    return plain
