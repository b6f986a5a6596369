from pathlib import Path

import pytest

from centre.files import CentreFileError, read
from domain.values import Value


class Door(Value):
    name: str
    width: int


class House(Value):
    street: str
    rooms: dict[str, Door] = {}
    doors: list[Door] = []


def house(tmp_path: Path, text: str) -> CentreFileError:
    file = tmp_path / "house.toml"
    file.write_text(text)
    with pytest.raises(CentreFileError) as caught:
        read(file).read_as(House)
    return caught.value


GOOD = """\
street = "Elm Street"

[rooms.hall]
name = "front"
width = 90

[[doors]]
name = "back"
width = 80

[[doors]]
name = "side"
width = 70
"""


def test_a_good_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "house.toml"
    file.write_text(GOOD)
    found = read(file).read_as(House)
    assert [door.name for door in found.doors] == ["back", "side"]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("width = 90", 'width = "wide"', 5, "rooms.hall.width: Input should be a valid integer"),
        ("width = 70", "width = 70\ncolour = 'red'", 14, "doors.2.colour is not known"),
        ('name = "side"\n', "", 11, "doors.2.name is missing"),
        ('street = "Elm Street"', "", None, "street is missing"),
        ("width = 80", "width = ", 9, "is not TOML"),
        ('[[doors]]\nname = "side"', '[doors]\nname = "side"', 11, "is not TOML"),
        ("width = 90", "width = true", 5, "rooms.hall.width: Input should be a valid integer"),
        ("width = 90", "width = 90.0", 5, "rooms.hall.width: Input should be a valid integer"),
        ("width = 90", 'width = "90"', 5, "rooms.hall.width: Input should be a valid integer"),
        ('street = "Elm Street"', 'street = "a\u2028b"\ncolour = 1', 2, "colour is not known"),
        ('"Elm Street"', '"""\n[doors]\nwidth = 1"""\ncolour = 1', 4, "colour is not known"),
        ('"Elm Street"', '"Elm Street" # """\ncolour = 1', 2, "colour is not known"),
        ("[rooms.hall]", "[[rooms.hall]]", 3, "rooms.hall"),
        ("[rooms.hall]", '[rooms."a.b"]\nname = "x"\n[rooms.hall]', 3, "rooms.a.b.width is missing"),
        ('street = "Elm Street"', 'street = "x"\n"col\\u0041" = 1', 2, "colA is not known"),
        ('street = "Elm Street"', 'street = "x"\n"a\\nb\\u001b" = 1', 2, r"a\nb\x1b is not known"),
    ],
)
def test_a_broken_file_names_the_line_and_the_reason(
    tmp_path: Path, old: str, new: str, line: int | None, reason: str
) -> None:
    assert old in GOOD
    error = house(tmp_path, GOOD.replace(old, new))
    assert error.line == line
    assert reason in str(error)
    assert str(error).startswith("house.toml")


TOO_MUCH = {
    "digits": "street = " + "9" * 5000,
    "lists": "x = " + "[" * 9000 + "]" * 9000,
    "names": "a." * 2000 + "a = 1",
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_the_reader_cannot_hold_is_refused_too(tmp_path: Path, what: str) -> None:
    assert "house.toml: holds" in str(house(tmp_path, TOO_MUCH[what]))


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "house.toml"
    file.write_text("\ufeff" + GOOD)
    assert read(file).read_as(House).street == "Elm Street"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match=r"nowhere\.toml: cannot be read"):
        read(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "house.toml").write_bytes(b"street = '\xff'")
    with pytest.raises(CentreFileError, match="not UTF-8"):
        read(tmp_path / "house.toml")
