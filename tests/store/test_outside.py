"""What a person's `--output` writes to: files, what is none, and what it never touches."""

import os
import threading
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.paths import Places, UserPlaces
from pipeline.store.outside import write_outside


@pytest.fixture
def places(tmp_path: Path) -> Places:
    root = tmp_path / "repo"
    for folder in (root / ".workflow", root / ".git"):
        folder.mkdir(parents=True)
    return Places(root, UserPlaces.from_environment(), root / ".git")


def test_a_file_is_replaced_whole(places: Places) -> None:
    path = places.root / "report.html"
    path.write_text("a longer text than the new one")
    write_outside(places, path, "new")
    assert path.read_text() == "new"
    assert sorted(one.name for one in places.root.iterdir()) == [".git", ".workflow", path.name]


def test_what_is_no_file_is_written_to_and_stays_what_it_is(places: Places) -> None:
    pipe = places.root / "pipe"
    os.mkfifo(pipe)
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.append(pipe.read_text()))
    reader.start()
    write_outside(places, pipe, "text")
    reader.join()
    assert (seen, pipe.is_fifo()) == (["text"], True)


def test_a_link_stays_a_link_as_dev_stdout_is_one(places: Places) -> None:
    link, target = places.root / "stdout", places.root / "target"
    link.symlink_to(target)
    for text in ("first, and longer", "second"):
        write_outside(places, link, text)
        assert (link.is_symlink(), target.read_text()) == (True, text)


@pytest.mark.parametrize(
    "name",
    [
        ".workflow/journal.jsonl",
        ".workflow/issues/issues.jsonl",
        ".git/HEAD",
        ".git",
        "link/journal.jsonl",
        "to-journal",
    ],
)
def test_what_the_pipeline_and_git_keep_is_not_written_over(places: Places, name: str) -> None:
    kept = places.journal
    kept.write_text("kept")
    (places.root / "link").symlink_to(places.workflow)
    (places.root / "to-journal").symlink_to(kept)
    with pytest.raises(PipelineError, match="name a file elsewhere"):
        write_outside(places, places.root / name, "new")
    assert kept.read_text() == "kept"
    write_outside(places, places.report_html, "a page")
    assert places.report_html.read_text() == "a page"
