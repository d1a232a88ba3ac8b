"""`pipeline clean` takes what is old and ours, says how much it was, and nothing else."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import git
from pipeline.execution import land
from pipeline.execution.debris import FINDERS, KINDS
from pipeline.execution.kept_work import all_kept
from pipeline.store.run_file import hold
from tests.builders import git as run_git
from tests.execution.landings import BRANCH, Landings, typed

OLD_S = 40 * 24 * 3600
OLD = datetime.now(UTC) - timedelta(seconds=OLD_S)


@pytest.fixture
def ground(tmp_path: Path) -> Landings:
    """Return a repository with one landed solution and an open run."""
    made = Landings(tmp_path / "repo", {})
    made.land("A", {"a.txt": "a\n"})
    return made


def put(path: Path, *, old: bool = True) -> Path:
    """Make a file of ten bytes, forty days old."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("0123456789")
    if old:
        for place in (path, path.parent):
            os.utime(place, (time.time() - OLD_S,) * 2)
    return path


def keep(ground: Landings, *parts: str, when: datetime = OLD) -> str:
    """Keep some work under a ref."""
    ref = land.kept_ref(*parts)
    land.keep_failed(
        ground.repo, ref, git.tree_of(ground.repo, "HEAD"), ground.base, "x", when=when
    )
    return ref


def leave_debris(ground: Landings) -> dict[str, list[str]]:
    """Leave one of each kind; return kind -> names."""
    places = ground.project.places
    workspace, fresh = places.repo_cache / "executor", places.repo_cache / "fresh-x"
    put(workspace / "tree" / "a"), put(fresh / "tree" / "a", old=False)
    output = put(places.outputs / "EXR-OLD-1" / "suite-001.txt").parent
    planning = put(places.outputs / "planning" / "OLD.1" / "output-1.txt").parent
    found = {
        "workspaces": [str(workspace), str(fresh)],
        "kept work": [
            keep(ground, land.CHECKPOINT_REFS, "EXR-OLD-1", "T1"),
            keep(ground, land.FAILED_REFS, "EXR-OLD-1"),
        ],
        "outputs": [str(output), str(planning)],
        "patches": [str(put(places.quarantine / "EXR-OLD-1.patch"))],
        "edited copies": [str(put(places.workflow / "planning-results.json.edited-x"))],
        "transcripts": [str(put(places.transcripts / "planner.jsonl"))],
        "temporary": [str(put(places.workflow / ".journal.jsonl.1.tmp"))],
        "crash logs": [str(put(places.logs / "crash-1.log"))],
    }
    put(places.outputs / "EXR-NEW-1" / "suite-001.txt", old=False)
    put(places.workflow / "notes.txt")
    put(places.edits / "SOL-A-1.json", old=False)
    keep(ground, land.FAILED_REFS, "EXR-NEW-1", when=datetime.now(UTC))
    keep(ground, "refs/pipeline/others", "EXR-OLD-2")
    return found


def test_every_kind_has_its_finder() -> None:
    assert tuple(FINDERS) == KINDS


def test_what_is_old_goes_by_kind_and_everything_else_stays(ground: Landings) -> None:
    ground.close_run()
    wanted, workflow = leave_debris(ground), ground.project.places.workflow
    stays = {str(path) for path in workflow.rglob("*")} - {
        name for names in wanted.values() for name in names
    }
    branches = run_git(ground.root, "for-each-ref", "refs/heads")
    shown = ground.run("clean", "--dry-run", "--json").json
    assert isinstance(shown, dict)
    found: dict[str, set[str]] = {}
    for one in shown["removed"]:
        found.setdefault(one["kind"], set()).add(one["name"])
    assert found == {kind: set(names) for kind, names in wanted.items()}
    assert shown["bytes"] == 90
    assert all(Path(name).exists() for name in found["outputs"])

    ended = ground.run("clean")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == "removed: 11, 90 B"
    left = {str(path) for path in workflow.rglob("*")}
    gone = stays - left
    assert all("EXR-OLD-1/" in one or "OLD.1/" in one for one in gone)
    assert [one.attempt for one in all_kept(ground.repo)] == ["EXR-OLD-2", "EXR-NEW-1"]
    assert run_git(ground.root, "for-each-ref", "refs/heads") == branches
    assert ground.run("clean").out == "nothing to remove\n"
    assert ground.run("audit", "verify").code == 0


def test_an_open_run_keeps_what_it_may_need_however_old(ground: Landings) -> None:
    wanted = leave_debris(ground)
    own = [
        keep(ground, land.CHECKPOINT_REFS, "EXR-A-1", "T1"),
        keep(ground, land.RECOVERY_REFS, "EXR-UNKNOWN-1"),
    ]
    assert ground.run("clean", "--all").code == 0
    assert set(own) <= {one.ref for one in all_kept(ground.repo)}
    assert Path(wanted["workspaces"][0]).exists()
    assert not Path(wanted["workspaces"][1]).exists()
    assert Path(wanted["transcripts"][0]).exists()
    assert git.resolve(ground.repo, f"refs/heads/{BRANCH}") == ground.tip
    ground.close_run()
    assert ground.run("clean", "--all").code == 0
    assert [one.kind for one in all_kept(ground.repo)] == ["unknown"]
    assert not (ground.project.places.edits / "SOL-A-1.json").exists()


def test_it_is_refused_while_a_run_is_alive_here_or_in_another_worktree(ground: Landings) -> None:
    ground.close_run()
    other = ground.root.parent / "other"
    run_git(ground.root, "worktree", "add", "-q", str(other))
    places = ground.project.places
    with hold(places):
        assert ground.run("clean").code == 1
        assert ground.run("clean", "--dry-run").code == 0
        assert typed(other, "init").code == 0
        ended = typed(other, "clean")
        assert ended.code == 1
        assert f"a run is alive in another worktree, '{ground.root}'" in ended.err


def test_a_link_in_a_folders_place_is_not_followed(ground: Landings, tmp_path: Path) -> None:
    ground.close_run()
    mine = put(tmp_path / "mine" / "EXR-OLD-1.patch")
    quarantine = ground.project.places.quarantine
    quarantine.symlink_to(mine.parent)
    put(ground.project.places.outputs / "EXR-OLD-1" / "a")
    (ground.project.places.outputs / "EXR-OLD-1" / "link").symlink_to(mine.parent)
    assert ground.run("clean", "--all").code == 0
    assert mine.exists()
    assert quarantine.is_symlink()


def test_a_new_run_takes_what_nobody_decided_to_keep(ground: Landings) -> None:
    ground.close_run()
    wanted = leave_debris(ground)
    ground.run("plan", "--new", "--sandbox", "none")
    assert [one.attempt for one in all_kept(ground.repo)] == ["EXR-OLD-2", "EXR-NEW-1"]
    assert not Path(wanted["outputs"][0]).exists()
    assert Path(wanted["patches"][0]).exists()
    assert Path(wanted["edited copies"][0]).exists()


def test_young_crash_logs_stay_whatever_is_asked_for(ground: Landings) -> None:
    """They are of every repository of the user."""
    young = put(ground.project.places.logs / "crash-2.log", old=False)
    old = put(ground.project.places.logs / "crash-1.log")
    assert ground.run("clean", "--all").code == 0
    assert (young.exists(), old.exists()) == (True, False)
