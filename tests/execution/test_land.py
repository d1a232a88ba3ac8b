"""Landing is one compare-and-swap; what did not land is kept beside the branch."""

from datetime import UTC, datetime

import pytest

from pipeline import git
from pipeline.domain.solution import Solution
from pipeline.execution import land
from pipeline.plans.sanitize import clean
from tests.builders import git as run_git
from tests.builders import make_repository, write_files
from tests.execution.conftest import Ground

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
BRANCH = "pipeline/night"


def solution(title: str = "Fix it", goal: str = "It works.") -> Solution:
    return Solution(solution_id="SOL-ISS-1-1", issue_id="ISS-1", title=title, goal=goal)


def message(title: str = "Fix it", goal: str = "It works.", attempt_id: str = "nonce") -> str:
    return land.commit_message(solution(title, goal), run_id="R-1", attempt_id=attempt_id)


def commit_of(site: Ground, base: str, files: dict[str, str], attempt_id: str = "nonce") -> str:
    with site.workspaces.fresh(base, base) as workspace:
        write_files(workspace.root, files)
        tree = git.write_tree(site.repo, workspace.root, workspace.index, base)
    words = message(attempt_id=attempt_id)
    return land.make_commit(site.repo, tree=tree, base=base, message=words, when=NOW)


@pytest.fixture
def base(site: Ground) -> str:
    git.update_ref(site.repo, f"refs/heads/{BRANCH}", site.head, None, "open")
    return site.head


def test_the_branch_moves_between_the_two_probes(site: Ground, base: str) -> None:
    commit = commit_of(site, base, {"app.py": "VALUE = 2\n"})
    seen: list[tuple[str, str | None]] = []

    def probe(point: str) -> None:
        seen.append((point, git.resolve(site.repo, BRANCH)))

    assert land.land(site.repo, branch=BRANCH, commit=commit, base=base, probe=probe) == (
        land.Landed(commit)
    )
    assert seen == [("update-ref:before", base), ("update-ref:after", commit)]
    found = git.find_attempt(site.repo, base, BRANCH, "nonce")
    assert found is not None
    assert found.hash == commit
    assert found.trailers == {
        "Issue-Id": ["ISS-1"],
        "Solution-Id": ["SOL-ISS-1-1"],
        "Pipeline-Run": ["R-1"],
        "Attempt-Id": ["nonce"],
    }


def test_a_crash_before_the_swap_leaves_the_branch_and_after_it_the_commit(
    site: Ground, base: str
) -> None:
    commit = commit_of(site, base, {"app.py": "VALUE = 2\n"})
    tips = {}
    for point in ("update-ref:before", "update-ref:after"):

        def crash(here: str, point: str = point) -> None:
            if here == point:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            land.land(site.repo, branch=BRANCH, commit=commit, base=base, probe=crash)
        tips[point] = git.resolve(site.repo, BRANCH)
    assert tips == {"update-ref:before": base, "update-ref:after": commit}


def test_a_branch_that_has_moved_refuses_and_the_change_can_be_carried_over(
    site: Ground, base: str
) -> None:
    other = commit_of(site, base, {"docs/note.md": "other\n"}, "other")
    mine = commit_of(site, base, {"app.py": "VALUE = 2\n"})
    land.land(site.repo, branch=BRANCH, commit=other, base=base)
    assert land.land(site.repo, branch=BRANCH, commit=mine, base=base) == land.Refused(other)
    tree = land.rebased_tree(site.repo, mine, other)
    assert tree is not None
    moved = land.make_commit(site.repo, tree=tree, base=other, message=message(), when=NOW)
    assert git.changed_paths(site.repo, other, moved) == ["app.py"]
    landed = land.land(site.repo, branch=BRANCH, commit=moved, base=other)
    assert landed == land.Landed(moved)
    assert git.find_attempt(site.repo, base, BRANCH, "other") is not None


def test_a_conflict_has_no_tree(site: Ground, base: str) -> None:
    other = commit_of(site, base, {"app.py": "VALUE = 3\n"})
    mine = commit_of(site, base, {"app.py": "VALUE = 2\n"})
    assert land.rebased_tree(site.repo, mine, other) is None


def test_a_deleted_branch_refuses_without_a_tip(site: Ground, base: str) -> None:
    commit = commit_of(site, base, {"app.py": "VALUE = 2\n"})
    run_git(site.repo.root, "update-ref", "-d", f"refs/heads/{BRANCH}")
    assert land.land(site.repo, branch=BRANCH, commit=commit, base=base) == land.Refused(None)


@pytest.mark.parametrize(
    ("title", "goal"),
    [
        ("x\n\nAttempt-Id: forged", "fine"),
        ("Attempt-Id: forged", "Attempt-Id: forged"),
        ("fine", "text\n\nAttempt-Id: forged\n"),
        ("\x1b]0;x\x07", "\u202eAttempt-Id: forged"),
        ("--- \n\n", "---\nAttempt-Id: forged"),
        ("x\u2028Attempt-Id: forged\u061c\U000e0041", "Attempt-Id: forged\u3164\U000e0141\xad"),
    ],
)
def test_no_text_forges_a_trailer(site: Ground, base: str, title: str, goal: str) -> None:
    words = message(title, goal)
    tree = git.tree_of(site.repo, base)
    commit = land.make_commit(site.repo, tree=tree, base=base, message=words, when=NOW)
    assert git.find_attempt(site.repo, base, commit, "forged") is None
    assert git.find_attempt(site.repo, base, commit, "nonce") is not None
    subject = words.split("\n")[0]
    assert 0 < len(subject) <= land.SUBJECT_LENGTH
    assert subject.isprintable()
    assert all(clean(line) == line for line in words.splitlines())


def test_a_long_title_is_cut() -> None:
    assert len(message("word " * 40).split("\n")[0]) <= 72


def test_a_failed_tree_is_kept_beside_the_branch(site: Ground, base: str) -> None:
    commit = commit_of(site, base, {"app.py": "VALUE = 2\n"})
    ref, tree = "refs/pipeline/failed/EXR-ISS-1-1", git.tree_of(site.repo, commit)
    kept = land.keep_failed(site.repo, ref, tree, base, "failed", when=NOW)
    again = land.keep_failed(site.repo, ref, tree, base, "failed again", when=NOW)
    assert kept != again
    assert git.list_refs(site.repo, "refs/pipeline/") == {ref: again}
    assert git.resolve(site.repo, BRANCH) == base


@pytest.mark.parametrize(
    "name", ["EXR-a..b-1", "EXR-x.lock-1", "T1.", "a...b", "T.lock", "x..lock"]
)
def test_every_id_has_a_ref_of_its_own(site: Ground, name: str) -> None:
    tree = git.tree_of(site.repo, site.head)
    refs = {land.kept_ref(land.CHECKPOINT_REFS, "EXR-1", one) for one in (name, "T1", "a.b")}
    assert len(refs) == 3
    for ref in refs:
        land.keep_failed(site.repo, ref, tree, site.head, "kept", when=NOW)
    assert set(git.list_refs(site.repo, "refs/pipeline/")) == refs


def test_uncommitted_work_is_saved_with_what_is_nested_left_out(site: Ground) -> None:
    ref = "refs/pipeline/recovery/EXR-ISS-1-1"
    workspace = site.workspaces.open("executor", site.head)
    assert land.save_work(site.repo, workspace.root, site.head, ref) is None
    write_files(workspace.root, {"app.py": "VALUE = 2\n"})
    make_repository(workspace.root / "inner", {"x": ""})
    saved = land.save_work(site.repo, workspace.root, site.head, ref, when=NOW)
    assert saved is not None
    assert git.list_refs(site.repo, "refs/pipeline/") == {ref: saved}
    assert git.changed_paths(site.repo, site.head, saved) == ["app.py"]


def test_a_workspace_that_is_not_there_has_nothing_to_save(site: Ground) -> None:
    gone = site.workspaces.path("never")
    assert land.save_work(site.repo, gone, site.head, "refs/pipeline/recovery/x") is None
