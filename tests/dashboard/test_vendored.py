"""What the board's pages bring from elsewhere is what its manifest says, byte for byte."""

from __future__ import annotations

import hashlib
import json

from dashboard.board.html import STATIC

VENDOR = STATIC / "vendor"


def test_each_vendored_file_is_in_the_manifest_and_unchanged() -> None:
    manifest = {each["file"]: each for each in json.loads((VENDOR / "vendor.json").read_text())}
    files = {each.name for each in VENDOR.iterdir()} - {"vendor.json"}
    assert files == set(manifest)
    for name, told in manifest.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == told["sha256"], name
        assert told["version"] in name and told["licence"] and told["from"]


def test_no_page_names_another_host_or_runs_anything_inline() -> None:
    for each in [*STATIC.parent.glob("templates/*.html"), STATIC / "board.css", STATIC / "board.js"]:
        text = each.read_text(encoding="utf-8")
        assert "://" not in text.replace("http://www.w3.org", ""), each.name
        assert " style=" not in text and "<style" not in text and " onclick" not in text, each.name
