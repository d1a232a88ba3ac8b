"""The screens in docs/review.md are the ones that people see."""

import shutil
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, page
from tests.review.evening import usual
from tests.review.tmux import Screen

CAPTURES = sorted((ROOT / "docs" / "captures").glob("*.txt"))
WIDE = (160, 50)
NARROW = (80, 24)


@pytest.mark.parametrize("capture", CAPTURES, ids=[one.stem for one in CAPTURES])
def test_a_capture_is_on_the_page_and_is_plain_text(capture: Path) -> None:
    rows = capture.read_text().rstrip("\n").split("\n")
    columns, lines = WIDE if capture.stem == "wide" else NARROW

    assert len(rows) <= lines
    assert all(row.isprintable() and len(row) <= columns for row in rows)
    shown = "\n".join(f"    {row}".rstrip() for row in rows)
    assert f"<!-- capture {capture.stem} -->\n\n{shown}\n" in page("docs/review.md").text


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize(("name", "size"), [("first", NARROW), ("wide", WIDE)])
def test_the_first_screen_is_the_one_in_the_docs(
    tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    evening = usual(tmp_path / "repo")
    with Screen(tmp_path, "review", "-C", str(evening.root), size=size) as screen:
        text = screen.wait("1 of 4", "cost ", "q quit")

    captured = (ROOT / "docs" / "captures" / f"{name}.txt").read_text()
    assert [row.rstrip() for row in text.splitlines()] == captured.splitlines()
