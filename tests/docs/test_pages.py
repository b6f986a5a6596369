"""The papers hold together: every decision has its head and its line in the list, every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
MOST_WORDS = 700
"""What a reader takes in at one sitting; the rest is on a page of its own."""

NUMBERS = r"\d{3}(?:(?:, \d{3})* and \d{3})?"
STATUS = rf"accepted|replaced in part by {NUMBERS}"
HEAD = re.compile(
    r"# (?P<number>\d{3}) (?P<title>[^\n]+)\n\n"
    rf"\*\*Date:\*\* (?P<date>\d{{4}}-\d{{2}}-\d{{2}})\. \*\*Status:\*\* (?P<status>{STATUS})\.[ \n]"
)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NAMED_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|sql|toml|md|json)|(?:[\w-]+/)+)`")
CLASS = re.compile(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b")


class Decision(NamedTuple):
    """What the head of a decision says."""

    number: str
    title: str
    date: str
    status: str


def pages() -> list[Path]:
    """Every Markdown file of the repository; folders with a dot hold tools and caches."""
    folders = [each for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")]
    return sorted([*ROOT.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))])


def decision_in(path: Path) -> Decision:
    head = HEAD.match(path.read_text(encoding="utf-8"))
    assert head, f"begin {path.name} as docs/decisions/018 does: number and title, then date and status"
    return Decision(*(" ".join(head[name].split()) for name in Decision._fields))


def links_of(text: str) -> Iterator[str]:
    for target in LINK.findall(QUOTED.sub("", FENCED.sub("", text))):
        if "://" not in target and not target.startswith("mailto:"):
            yield target


def anchors_of(page: Path) -> set[str]:
    """The names by which GitHub links to headings."""
    headings = HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return False
    return not anchor or anchor in anchors_of(target)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_when_it_was_taken_and_whether_it_stands(path: Path) -> None:
    assert decision_in(path).number == path.name[:3]


def test_each_number_of_a_decision_is_used_once() -> None:
    numbers = [path.name[:3] for path in DECISIONS]
    assert numbers == [f"{number:03}" for number in range(1, len(DECISIONS) + 1)]


def test_the_list_of_decisions_says_what_their_heads_say() -> None:
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    wanted = [
        f"| [{each.number}]({path.name}) | {each.title} | {each.date} | {each.status} |"
        for path in DECISIONS
        for each in [decision_in(path)]
    ]
    assert [line for line in listed.splitlines() if line.startswith("| [")] == wanted


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [link for link in links_of(text) if not leads_somewhere(page, link)] == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# What it does\n")
    page.write_text(
        "[a](other.md) [b](other.md#what-it-does) [c](other.md#gone) [d](gone.md) `[e](code)` [f](https://g)\n"
    )
    found = list(links_of(page.read_text()))
    assert [link for link in found if not leads_somewhere(page, link)] == ["other.md#gone", "gone.md"]


@pytest.mark.parametrize("name", ["architecture", "glossary", "contributing"])
def test_every_file_that_a_page_names_is_there(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert sorted(each for each in NAMED_FILE.findall(text) if not (ROOT / each).exists()) == []


def test_every_class_in_the_architecture_is_in_the_code() -> None:
    named = set(CLASS.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")))
    folders = [each for each in ROOT.iterdir() if (each / "__init__.py").exists() and each.name != "tests"]
    code = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    assert sorted(each for each in named if not re.search(rf"\bclass {each}\b", code)) == []


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    words = [line.split("|")[1].strip().lower().replace("-", " ") for line in lines if line.startswith("| ")][1:]
    assert words == sorted(words)


def test_the_readme_is_short() -> None:
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert len(words) <= MOST_WORDS, f"{len(words)} words: move what is not needed at first to a page of docs"
