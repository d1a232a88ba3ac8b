"""Undoing what landed: what stands in the way, what goes with it, and what a crash leaves."""

import os
import shutil
import signal
from pathlib import Path

import orjson
import pytest

from pipeline import git
from pipeline.app.undo import undo
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.proc import never
from pipeline.store.run_file import hold
from tests.builders import commit_files
from tests.builders import git as run_git
from tests.execution.landings import BRANCH, Landings

A, B, C = "SOL-A-1", "SOL-B-1", "SOL-C-1"
LINES = "".join(f"{number}\n" for number in range(1, 9))


@pytest.fixture
def apart(tmp_path: Path) -> Landings:
    """Return a repository in which three solutions landed on files of their own."""
    ground = Landings(tmp_path / "repo", {"notes.txt": LINES})
    for name in ("A", "B", "C"):
        ground.land(name, {f"{name}.txt": f"{name}\n"})
    return ground


@pytest.fixture
def shared(tmp_path: Path) -> Landings:
    """Return a repository in which B changed a file of A, and C one of B."""
    ground = Landings(tmp_path / "repo", {"notes.txt": LINES})
    ground.land("A", {"notes.txt": LINES.replace("1\n", "one\n")})
    ground.land("B", {"notes.txt": LINES.replace("1\n", "one\n").replace("8", "B"), "b": "b\n"})
    ground.land("C", {"b": "c\n", "c": "c\n"})
    return ground


def refused(ground: Landings, *words: str) -> str:
    """Return the one line of a refusal that changes nothing."""
    before = (ground.tip, ground.kinds())
    ended = ground.run("rollback", *words)
    assert (ended.code, ended.out) == (1, "")
    assert (ground.tip, ground.kinds()) == before
    return ended.err.splitlines()[-1].removeprefix("pipeline: cannot roll back ")


def test_one_on_other_files_goes_and_the_others_stay(apart: Landings) -> None:
    before = apart.tip
    ended = apart.run("rollback", B, "--reason", "it\nhides  \x1b[1mb", "--json")
    assert ended.code == 0, ended.err
    assert git.commit_info(apart.repo, apart.tip).parents == (before,)
    assert set(apart.files()) == {"check.sh", "notes.txt", "A.txt", "C.txt"}
    assert apart.statuses() == {"A": "completed", "B": "rolled_back", "C": "completed"}
    assert isinstance(ended.json, dict)
    assert ended.json["rolled_back"][0]["rollback_commit"] == apart.tip
    assert "  it hides [1mb\n" in git.commit_info(apart.repo, apart.tip).message


def test_on_shared_files_it_is_refused_with_the_names(shared: Landings) -> None:
    assert refused(shared, A) == (
        f"{A} alone: later solutions changed the same files: {B} (notes.txt), {C} (b, c); "
        "roll those back first, or add --with-later"
    )
    assert refused(shared, B) == (
        f"{B} alone: later solutions changed the same files: {C} (b); "
        "roll those back first, or add --with-later"
    )


def test_with_later_all_go_newest_first_by_one_move_of_the_branch(shared: Landings) -> None:
    before, shown = shared.tip, shared.run("rollback", A, "--with-later", "--dry-run")
    assert f"newest first: {C}, {B}, {A}" in shown.out
    assert "3 files changed" in shown.out
    assert shared.tip == before
    assert shared.run("rollback", A, "--with-later").code == 0
    commits = git.commits_between(shared.repo, before, shared.tip)
    assert [one.trailers["Solution-Id"] for one in commits] == [[A], [B], [C]]
    assert git.tree_of(shared.repo, shared.tip) == git.tree_of(shared.repo, shared.base)
    assert set(shared.statuses().values()) == {"rolled_back"}
    assert shared.kinds()[-4:] == ["rollback_begun", *["rolled_back"] * 3]
    moves = run_git(shared.root, "reflog", "--format=%H", BRANCH).splitlines()
    assert moves[1] == before


def test_what_was_undone_stands_in_nothings_way(shared: Landings) -> None:
    shared.close_run()
    for name in (C, "B", A):
        ended = shared.run("rollback", name)
        assert ended.code == 0, ended.err
    assert git.tree_of(shared.repo, shared.tip) == git.tree_of(shared.repo, shared.base)
    assert refused(shared, "A").startswith("A: it was rolled back already by ")


def test_commits_of_others_count_where_they_share_a_file(apart: Landings) -> None:
    apart.commit({"mine.txt": "mine\n"}, "mine")
    own = apart.commit({"B.txt": "also mine\n"}, "also mine")
    assert refused(apart, B) == (
        f"{B}: {own[:10]} (also mine), which is not the pipeline's, changed B.txt since"
    )
    assert apart.run("rollback", A).code == 0
    assert apart.files()["mine.txt"] == "mine"


def test_a_forged_trailer_makes_no_commit_ours(apart: Landings) -> None:
    forged = f"x\n\nIssue-Id: B\nSolution-Id: {B}\nAttempt-Id: nonce-C\n"
    apart.commit({"B.txt": "forged\n"}, forged)
    assert "which is not the pipeline's, changed B.txt since" in refused(apart, B)


def test_the_tests_have_to_pass_without_it(tmp_path: Path) -> None:
    ground = Landings(tmp_path / "repo", {}, suite="test ! -e B.txt || test -e A.txt\n")
    ground.land("A", {"A.txt": "A\n"})
    ground.land("B", {"B.txt": "B\n"})
    said = refused(ground, A)
    assert said.startswith(f"{A}: without it suite: sh check.sh exits 1 (output: .workflow/")
    assert ground.run("rollback", B).code == 0
    assert ground.run("rollback", A).code == 0


def test_what_landed_on_it_is_named_and_its_acceptance_counts(apart: Landings) -> None:
    apart.land("D", {"D.txt": "D\n"}, depends_on="A", acceptance=["test -e A.txt"])
    apart.land("E", {"E.txt": "E\n"}, depends_on="B", acceptance=["test -e E.txt"])
    apart.add("F", depends_on="B")
    said = refused(apart, A)
    assert said.startswith(f"{A}: without it acceptance: test -e A.txt exits 1 (output: ")
    assert said.endswith("; SOL-D-1 landed on it: roll that back first")
    ended = apart.run("rollback", B)
    assert ended.code == 0, ended.err
    assert "landed on it, and stays: SOL-E-1" in ended.out
    rows = apart.run("issues", "--json").json
    assert isinstance(rows, list)
    told = {row["id"]: (row["status"], row["error"]) for row in rows}
    assert told["E"] == ("completed", None)
    assert told["F"] == ("blocked", "depends on B, which is failed")


def test_what_later_ones_build_on_cannot_go(tmp_path: Path) -> None:
    ground = Landings(tmp_path / "repo", {"x": "x\n"})
    ground.land("A", {"x": None})
    ground.land("B", {"x/y": "y\n"})
    assert refused(ground, A).startswith(f"{A}: later changes build on its lines; `git revert ")


def test_a_branch_that_is_not_free_is_left_alone(apart: Landings) -> None:
    first = apart.land("D", {"notes.txt": LINES.replace("4", "four")})
    run_git(apart.root, "checkout", "-q", BRANCH)
    assert f"the branch {BRANCH} is checked out in " in refused(apart, A)
    run_git(apart.root, "checkout", "-q", "main")
    with hold(apart.project.places):
        ended = apart.run("rollback", A)
    assert ended.code == 1
    assert ended.err.startswith("pipeline: a run is at work here (process ")
    run_git(apart.root, "branch", "-qD", BRANCH)
    assert refused(apart, "D") == (
        f"SOL-D-1: its branch {BRANCH} is gone; where its commit is in use, "
        f"`git revert {first.commit_hash}` undoes it"
    )


def test_a_branch_that_moves_meanwhile_is_left_alone(apart: Landings) -> None:
    def meddle(point: str) -> None:
        if point == "update-ref:before":
            apart.commit({"mine.txt": "mine\n"}, "mine")

    with pytest.raises(PipelineError, match="has moved meanwhile: nothing was undone; try again"):
        undo(
            apart.project,
            B,
            reason="",
            with_later=False,
            bus=EventBus(),
            stop=never,
            probe=meddle,
        )
    assert apart.kinds()[-2:] == ["rollback_begun", "rollback_dropped"]
    assert "completed" in apart.statuses()["B"]
    assert apart.run("rollback", B).code == 0


def test_a_record_that_was_removed_by_hand_comes_back(apart: Landings) -> None:
    assert apart.run("rollback", B).code == 0
    path = apart.root / ".workflow" / "execution-results.json"
    document = orjson.loads(path.read_bytes())
    document["results"] = [one for one in document["results"] if one["issue_id"] != "B"]
    path.write_bytes(orjson.dumps(document))
    assert "it was rolled back already by " in apart.run("rollback", B).err
    assert apart.statuses() == {"A": "completed", "B": "rolled_back", "C": "completed"}


def test_a_history_that_was_merged_in_counts_too(apart: Landings) -> None:
    run_git(apart.root, "checkout", "-q", "--orphan", "side")
    commit_files(apart.root, {"side.txt": "side\n"}, message="a side of its own")
    run_git(apart.root, "checkout", "-q", BRANCH)
    run_git(apart.root, "merge", "-q", "--allow-unrelated-histories", "-m", "merge", "side")
    run_git(apart.root, "checkout", "-q", "main")
    assert apart.run("rollback", B).code == 0
    assert apart.files()["side.txt"] == "side"


def killed(ground: Landings, at: int | str) -> str | None:
    """Roll B back in a process that kills itself at a point, by number or name; None: not met."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        seen = 0

        def trap(point: str) -> None:
            nonlocal seen
            seen += 1
            if at in (seen, point):
                os.write(writing, point.encode())
                os.kill(os.getpid(), signal.SIGKILL)

        undo(
            ground.project,
            B,
            reason="no",
            with_later=True,
            bus=EventBus(),
            stop=never,
            probe=trap,
        )
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    point = os.read(reading, 200).decode()
    os.close(reading)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return point or None


def test_what_was_begun_and_pruned_meanwhile_is_dropped_and_done_again(apart: Landings) -> None:
    apart.book.flush()
    assert killed(apart, "journal:after:rollback_begun")
    run_git(apart.root, "gc", "-q", "--prune=now")
    ended = apart.run("rollback", B)
    assert ended.code == 0, ended.err
    begun = "rollback_begun"
    assert apart.kinds()[-4:] == [begun, "rollback_dropped", begun, "rolled_back"]
    assert "B.txt" not in apart.files()


def test_the_next_run_records_what_a_kill_left_unrecorded(apart: Landings) -> None:
    apart.book.flush()
    assert killed(apart, "update-ref:after")
    apart.run("plan")
    assert apart.kinds().count("rolled_back") == 1
    assert apart.statuses() == {"A": "completed", "B": "rolled_back", "C": "completed"}


def test_of_several_each_is_recorded_once(shared: Landings) -> None:
    shared.book.flush()
    assert killed(shared, "journal:after:rolled_back")
    assert shared.kinds().count("rolled_back") == 1
    shared.run("plan")
    assert shared.kinds().count("rolled_back") == 2
    assert shared.statuses() == {"A": "completed", "B": "rolled_back", "C": "rolled_back"}


def put_back(ground: Landings, kept: Path) -> None:
    ground.project.places.journal_head.unlink(missing_ok=True)
    shutil.rmtree(ground.root)
    shutil.copytree(kept, ground.root, symlinks=True)


def test_a_kill_anywhere_leaves_nothing_or_a_recorded_rollback(
    shared: Landings, tmp_path: Path
) -> None:
    """Whatever a kill leaves, the next command of the same words ends it: once, and all of it."""
    kept, before = tmp_path / "kept", shared.tip
    shared.book.flush()
    shutil.copytree(shared.root, kept, symlinks=True)
    points = []
    while (point := killed(shared, len(points) + 1)) is not None:
        points.append(point)
        assert shared.run("status").code == 0
        half = git.commits_between(shared.repo, before, shared.tip)
        assert len(half) in (0, 2), point
        ended = shared.run("rollback", B, "--with-later")
        assert ended.code == 0 or "was rolled back already" in ended.err, (point, ended.err)
        commits = git.commits_between(shared.repo, before, shared.tip)
        assert [one.trailers["Solution-Id"] for one in commits] == [[B], [C]], point
        assert shared.statuses() == {"A": "completed", "B": "rolled_back", "C": "rolled_back"}
        assert shared.kinds().count("rolled_back") == 2, point
        assert shared.run("audit", "verify").code == 0
        put_back(shared, kept)
    kinds = ("rollback_begun", "rolled_back")
    lines = {f"journal:{when}:{kind}" for kind in kinds for when in ("before", "after")}
    assert lines | {"update-ref:before", "update-ref:after"} <= set(points)
