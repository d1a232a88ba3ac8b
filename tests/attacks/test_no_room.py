"""Disks that take nothing more: nobody is blamed for it, and what can be read still is."""

from pathlib import Path

import pytest

from pipeline import git as ours
from pipeline.paths import UserPlaces
from pipeline.rehearsal.scripting import any_issue
from tests.builders import git, make_repository
from tests.e2e.night import PROJECT, Night


def test_an_object_store_that_takes_nothing_is_not_the_agents_mistake(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", PROJECT)
    repo = ours.open_repository(root)
    head, work, index = ours.head_commit(repo), tmp_path / "work", tmp_path / "index"
    work.mkdir()
    ours.check_out(repo, head, work_tree=work, index=index)
    (work / "new.txt").write_text("cannot be stored\n")
    blob = git(root, "hash-object", str(work / "new.txt"))
    (root / ".git" / "objects" / blob[:2]).write_text("in the way")

    with pytest.raises(ours.GitError):
        ours.write_tree(repo, work, index, head)


def test_status_needs_no_room(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        cache = UserPlaces.from_environment().cache
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "summaries").write_text("in the way")

        ended = night.run("status")

        assert (ended.code, ended.err) == (0, "")
