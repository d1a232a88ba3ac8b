"""When a function says that something is written, no loss of power takes it back."""

import os
from pathlib import Path

import orjson
import pytest

from pipeline import git
from pipeline.git import Repository
from pipeline.git.program import run
from pipeline.safety.keys import signing_key
from pipeline.store.files import append_durable, make_folder, write_atomic
from pipeline.store.journal import Journal
from tests.builders import make_repository
from tests.store import builders as make
from tests.store.waits import NotSynced, watching


@pytest.fixture
def folder(scratch: Path) -> Path:
    return scratch.resolve()


def test_a_watcher_sees_what_is_at_risk(folder: Path) -> None:
    with watching(folder) as disk:
        handle = os.open(folder / "a", os.O_WRONLY | os.O_CREAT)
        os.write(handle, b"1")
        assert disk.at_risk == {".", "a"}
        with pytest.raises(NotSynced):
            os.replace(folder / "a", folder / "b")  # noqa: PTH105 - the call that is watched
        os.fsync(handle)
        os.close(handle)
        assert disk.at_risk == {"."}


def test_a_replaced_file_is_safe_before_it_is_in_place_and_then_its_name(folder: Path) -> None:
    with watching(folder) as disk:
        write_atomic(folder / "new" / "report.md", b"text")
        assert disk.at_risk == set()
        assert "new" in disk.safe


def test_an_appended_line_is_safe_with_its_files_name(folder: Path) -> None:
    with watching(folder) as disk:
        for _ in range(2):
            append_durable(folder / "log", b"line\n")
            assert disk.at_risk == set()


def test_new_folders_are_safe(folder: Path) -> None:
    with watching(folder) as disk:
        make_folder(folder / "a" / "b")
        assert disk.at_risk == set()


def test_the_key_is_safe_before_it_is_in_place_and_then_its_name(folder: Path) -> None:
    with watching(folder) as disk:
        signing_key(folder / "approval.key")
        assert disk.at_risk == set()


def test_at_every_point_of_the_book_nothing_is_at_risk(folder: Path) -> None:
    points: list[str] = []
    with watching(folder) as disk:

        def look(point: str) -> None:
            points.append(point)
            assert disk.at_risk == set(), point

        book = make.open_book(folder, probe=look)
        for entry in (make.planned("A"), make.approved("A"), make.begun("A"), make.attempted("A")):
            book.record(entry)
        assert disk.at_risk == set()
    assert {"journal:after:attempt_recorded", "render:after:execution"} <= set(points)


def test_what_a_crash_tore_off_is_kept_and_the_cut_is_safe(folder: Path) -> None:
    places = make.places_in(folder)
    Journal(places).append(make.planned("A"))
    places.journal.write_bytes(places.journal.read_bytes() + b'{"seq":2,')
    journal = Journal(places)
    with watching(folder) as disk:
        journal.append(make.approved("A"))
        assert disk.at_risk == set()
    assert places.journal_torn.read_bytes() == b'{"seq":2,\n'


def test_a_ref_is_safe_with_the_folders_on_its_way(folder: Path) -> None:
    root = make_repository(folder / "repo", {"a": "1\n"})
    repo = Repository(root, root / ".git")
    commit = git.head_commit(repo)
    with watching(root / ".git") as disk:
        git.update_ref(repo, "refs/heads/pipeline/R1", commit, None, "begin")
        assert {".", "refs", "refs/heads", "refs/heads/pipeline"} <= disk.safe


def test_git_waits_for_objects_and_refs(folder: Path) -> None:
    """Git counts its waits itself: Documentation/technical/api-trace2.txt, category `fsync`."""
    root = make_repository(folder / "repo", {"a": "1\n"})
    repo = Repository(root, root / ".git")
    commit, told = git.head_commit(repo), folder / "told"
    run(repo, "config", "core.fsyncMethod", "writeout-only")
    for words in (("update-ref", "refs/heads/b", commit), ("hash-object", "-w", "--stdin")):
        told.unlink(missing_ok=True)
        run(repo, *words, stdin=b"new", env={"GIT_TRACE2_EVENT": str(told)})
        lines = map(orjson.loads, told.read_bytes().splitlines())
        waits = [line for line in lines if line.get("key") == "fsync/hardware-flush"]
        assert waits, words
        assert int(waits[0]["value"]) > 0, words
