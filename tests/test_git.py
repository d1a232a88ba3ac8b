"""git through the pipeline: what it reads, what it writes, and what it refuses to obey."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline import git
from pipeline.errors import PipelineError
from pipeline.git.write import sync_folders
from tests.builders import commit_files, make_repository, write_files
from tests.builders import git as run_git

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
FILES = {"a.txt": "a\n", "src/b.py": "b = 1\n", "src/c.py": "c = 1\n"}


@pytest.fixture
def repo(tmp_path: Path) -> git.Repository:
    return git.open_repository(make_repository(tmp_path / "repo", FILES))


@pytest.fixture
def work(tmp_path: Path, repo: git.Repository) -> tuple[Path, Path]:
    """A work tree at HEAD and its private index."""
    tree, index = tmp_path / "work", tmp_path / "index"
    tree.mkdir()
    git.check_out(repo, git.head_commit(repo), work_tree=tree, index=index)
    return tree, index


def fingerprint(folder: Path) -> dict[str, str]:
    """Return every file below a folder with a digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "objects" not in path.parts
    }


# opening


def test_a_repository_is_found_from_any_folder_in_it(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", FILES)
    assert git.open_repository(root / "src") == git.Repository(root, root / ".git")


def test_what_is_no_usable_repository_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "empty").mkdir()
    run_git(tmp_path / "empty", "init", "-q")
    run_git(tmp_path, "init", "-q", "--bare", "bare.git")
    for name, words in {
        "plain": "is not in a git repository; run `git init` there",
        "empty": "has no commits; make the first one",
        "bare.git": "is a bare repository; name a checkout",
        "nowhere": "there is no folder",
        "empty/.git": "",
    }.items():
        with pytest.raises(PipelineError) as caught:
            git.open_repository(tmp_path / name)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_linked_worktree_shares_the_git_folder(tmp_path: Path, repo: git.Repository) -> None:
    run_git(repo.root, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    commit = commit_files(tmp_path / "side", {"x": "x"})
    linked = git.open_repository(tmp_path / "side")
    assert linked == git.Repository(tmp_path / "side", repo.git_dir)
    assert git.head_commit(linked) == commit
    assert git.worktree_with(repo, "side") == tmp_path / "side"
    assert git.worktree_with(repo, "main") == repo.root
    assert git.worktree_with(repo, "other") is None


def test_a_checkout_has_a_branch_until_it_leaves_it(tmp_path: Path, repo: git.Repository) -> None:
    side = tmp_path / "side"
    run_git(repo.root, "worktree", "add", "-q", "-b", "side", str(side))
    (repo.git_dir / "worktrees/side/HEAD").write_text("ref:  refs/heads/side\n")
    assert git.worktree_with(repo, "side") == side
    run_git(side, "checkout", "-q", "--detach")
    assert git.worktree_with(repo, "side") is None


# reading


def test_revisions_are_resolved_to_commits_or_none(repo: git.Repository) -> None:
    head = run_git(repo.root, "rev-parse", "HEAD")
    assert git.resolve(repo, "main") == git.resolve(repo, "HEAD") == git.head_commit(repo) == head
    assert git.resolve(repo, "missing") is None
    assert git.resolve(repo, "--all") is None


def test_blobs_and_files_are_read_at_a_commit(repo: git.Repository) -> None:
    head = git.head_commit(repo)
    blobs = git.blobs_at(repo, head, ["a.txt", "src/b.py", "missing", "*"])
    assert blobs["a.txt"] == run_git(repo.root, "rev-parse", "HEAD:a.txt")
    assert blobs["missing"] is None
    assert blobs["*"] is None
    assert git.blob_at(repo, head, "src") == run_git(repo.root, "rev-parse", "HEAD:src")
    assert git.show_file(repo, head, "src/b.py") == b"b = 1\n"
    assert git.show_file(repo, head, "missing") is None
    assert git.list_files(repo, head) == ["a.txt", "src/b.py", "src/c.py"]


def test_odd_names_survive(repo: git.Repository) -> None:
    names = {"ä ö.txt": "1", "new\nline": "2", 'quo"te': "3", "-dash": "4", ":(glob)x": "5"}
    old = git.head_commit(repo)
    new = commit_files(repo.root, names)
    assert set(git.changed_paths(repo, old, new)) == set(names)
    assert all(git.blobs_at(repo, new, list(names)).values())


def test_a_rename_is_two_changes_and_a_mode_is_one(repo: git.Repository) -> None:
    old = git.head_commit(repo)
    (repo.root / "a.txt").rename(repo.root / "z.txt")
    (repo.root / "src" / "b.py").chmod(0o755)
    new = commit_files(repo.root, {})
    assert git.changed_paths(repo, old, new) == ["a.txt", "src/b.py", "z.txt"]
    assert "old mode 100644" in git.diff_text(repo, old, new, ["src/b.py"])


def test_an_attempt_is_found_by_its_nonce_and_only_in_trailers(repo: git.Repository) -> None:
    base = git.head_commit(repo)
    tree = git.tree_of(repo, base)
    forged = git.commit_tree(
        repo, tree, [base], "x\n\nAttempt-Id: nonce\n\nlast paragraph", when=NOW
    )
    real = git.commit_tree(
        repo, tree, [forged], "subject\n\nIssue-Id: I\nAttempt-Id: nonce\n", when=NOW
    )
    assert git.find_attempt(repo, base, forged, "nonce") is None
    assert git.find_attempt(repo, base, real, "of another attempt") is None
    found = git.find_attempt(repo, base, real, "nonce")
    assert found is not None
    assert found.hash == real
    assert found.parents == (forged,)
    assert found.trailers == {"Issue-Id": ["I"], "Attempt-Id": ["nonce"]}
    assert [c.hash for c in git.commits_between(repo, base, real)] == [real, forged]
    assert git.is_ancestor(repo, base, real)
    assert not git.is_ancestor(repo, real, base)


def test_a_message_is_found_by_its_text(repo: git.Repository) -> None:
    commit_files(repo.root, {"x": ""}, message="subject\n\nAttempt-Id: no.ce")
    assert git.is_mentioned(repo, "main", "Attempt-Id: no.ce")
    assert not git.is_mentioned(repo, "main", "Attempt-Id: nonce")
    assert not git.is_mentioned(repo, "main~1", "Attempt-Id: no.ce")


def test_a_branch_named_as_the_prefix_collides(repo: git.Repository) -> None:
    assert git.prefix_collision(repo, "pipeline") is None
    run_git(repo.root, "branch", "pipeline")
    assert git.prefix_collision(repo, "pipeline/night") == "pipeline"


# trees


def test_the_tree_of_a_work_tree_holds_every_change(
    repo: git.Repository, work: tuple[Path, Path]
) -> None:
    tree, index = work
    write_files(tree, {"a.txt": "changed\n", "new/file": "n"})
    (tree / "src" / "b.py").unlink()
    (tree / "src" / "c.py").chmod(0o755)
    base = git.head_commit(repo)
    written = git.write_tree(repo, tree, index, base)
    assert git.changed_paths(repo, base, written) == ["a.txt", "new/file", "src/b.py", "src/c.py"]


def test_ignored_files_are_left_out_unless_forced(
    repo: git.Repository, work: tuple[Path, Path]
) -> None:
    tree, index = work
    base = git.head_commit(repo)
    write_files(tree, {".gitignore": "*.log\n", "x.log": "1", "y.log": "2", "mark": "3"})
    written = git.write_tree(repo, tree, index, base, force=["x.log", "no"], exclude=("/mark",))
    assert git.changed_paths(repo, base, written) == [".gitignore", "x.log"]


def test_checking_out_again_leaves_nothing_of_what_was_done(
    repo: git.Repository, work: tuple[Path, Path]
) -> None:
    tree, index = work
    write_files(tree, {"a.txt": "changed", "junk/__pycache__/x.pyc": "1", ".gitignore": "*.pyc"})
    (tree / "src" / "b.py").unlink()
    (tree / "src" / "c.py").unlink()
    (tree / "src").rmdir()
    (tree / "src").symlink_to("/tmp")
    git.check_out(repo, git.head_commit(repo), work_tree=tree, index=index)
    assert {p.relative_to(tree).as_posix() for p in tree.rglob("*") if p.is_file()} == set(FILES)
    assert not (tree / "src").is_symlink()
    assert (tree / "a.txt").read_text() == "a\n"


def test_single_paths_are_brought_back(repo: git.Repository, work: tuple[Path, Path]) -> None:
    tree, index = work
    base = git.head_commit(repo)
    write_files(tree, {"a.txt": "changed", "new": "n", "src/b.py": "kept = 1\n"})
    written = git.write_tree(repo, tree, index, base)
    undone = git.undo_paths(repo, written, base, ["a.txt", "new"], work_tree=tree, index=index)
    assert git.changed_paths(repo, base, undone) == ["src/b.py"]
    assert git.changed_paths(repo, base, git.write_tree(repo, tree, index, base)) == ["src/b.py"]
    assert not (tree / "new").exists()


@pytest.mark.parametrize("with_commit", [True, False])
def test_a_nested_repository_is_refused_by_name(
    repo: git.Repository, work: tuple[Path, Path], with_commit: bool
) -> None:
    tree, index = work
    if with_commit:
        make_repository(tree / "inner", {"x": "x"})
    else:
        (tree / "inner").mkdir()
        run_git(tree / "inner", "init", "-q")
    with pytest.raises(git.NestedRepository) as caught:
        git.write_tree(repo, tree, index, git.head_commit(repo))
    assert caught.value.names == ("inner",)


def test_a_submodule_of_the_base_stays_and_its_folder_is_never_entered(
    tmp_path: Path, repo: git.Repository
) -> None:
    entry = f"160000,{git.head_commit(repo)},sub"
    run_git(repo.root, "update-index", "--add", "--cacheinfo", entry)
    run_git(repo.root, "commit", "-q", "-m", "submodule")
    base, tree, index = git.head_commit(repo), tmp_path / "work", tmp_path / "index"
    tree.mkdir()
    git.check_out(repo, base, work_tree=tree, index=index)
    assert git.write_tree(repo, tree, index, base) == git.tree_of(repo, base)
    ran = tmp_path / "ran"
    make_repository(tree / "sub", {"x": "x"})
    run_git(tree / "sub", "config", "core.fsmonitor", f"touch {ran}")
    with pytest.raises(git.NestedRepository):
        git.write_tree(repo, tree, index, base)
    assert not ran.exists()


@pytest.mark.parametrize("name", [".GIT/config", ".g\u200cit/config", "git~1/config"])
def test_what_another_system_takes_for_the_git_folder_is_refused(
    repo: git.Repository, work: tuple[Path, Path], name: str
) -> None:
    tree, index = work
    write_files(tree, {name: "[core]\n"})
    with pytest.raises(git.CannotAdd):
        git.write_tree(repo, tree, index, git.head_commit(repo))


def test_filters_and_merge_drivers_of_the_config_never_run(
    tmp_path: Path, repo: git.Repository, work: tuple[Path, Path]
) -> None:
    tree, index = work
    ran = tmp_path / "ran"
    for name in ("filter.x.clean", "filter.x.smudge", "merge.x.driver", "diff.x.textconv"):
        run_git(repo.root, "config", name, f"touch {ran}; cat")
    run_git(repo.root, "config", "filter.x.required", "true")
    run_git(repo.root, "config", "core.fsmonitor", f"touch {ran}")
    base = git.head_commit(repo)
    write_files(tree, {".gitattributes": "* filter=x merge=x diff=x\n", "a.txt": "ours\n"})
    mine = git.commit_tree(repo, git.write_tree(repo, tree, index, base), [base], "m", when=NOW)
    write_files(tree, {"a.txt": "theirs\n"})
    yours = git.commit_tree(repo, git.write_tree(repo, tree, index, base), [base], "y", when=NOW)
    git.check_out(repo, yours, work_tree=tree, index=index)
    assert (tree / "a.txt").read_text() == "theirs\n"
    assert git.merge_trees(repo, mine, yours) is None
    assert "ours" in git.diff_text(repo, base, mine)
    assert not ran.exists()


def test_changes_of_different_files_merge_and_conflicts_do_not(
    repo: git.Repository, work: tuple[Path, Path]
) -> None:
    tree, index = work
    base = git.head_commit(repo)

    def change(files: dict[str, str]) -> str:
        git.check_out(repo, base, work_tree=tree, index=index)
        write_files(tree, files)
        written = git.write_tree(repo, tree, index, base)
        return git.commit_tree(repo, written, [base], "change", when=NOW)

    first, second, third = change({"a.txt": "1\n"}), change({"n": "2\n"}), change({"a.txt": "3\n"})
    merged = git.merge_trees(repo, first, second)
    assert merged is not None
    assert git.changed_paths(repo, base, merged) == ["a.txt", "n"]
    assert git.merge_trees(repo, first, third) is None


# commits and refs


def test_a_commit_is_a_pure_function_of_its_inputs(repo: git.Repository) -> None:
    base = git.head_commit(repo)
    tree = git.tree_of(repo, base)
    commits = {git.commit_tree(repo, tree, [base], "m\n", when=NOW) for _ in range(2)}
    assert len(commits) == 1
    shown = run_git(repo.root, "show", "-s", "--format=%an <%ae> %aI", commits.pop())
    assert shown == "pipeline <pipeline@localhost> 2026-11-21T02:00:00+00:00"


def test_a_ref_moves_only_from_where_it_was_expected(repo: git.Repository) -> None:
    base, ref = git.head_commit(repo), "refs/heads/pipeline/night"
    new = git.commit_tree(repo, git.tree_of(repo, base), [base], "m", when=NOW)
    git.update_ref(repo, ref, base, None, "open")
    with pytest.raises(git.RefMoved, match="expected that it does not exist"):
        git.update_ref(repo, ref, new, None, "open")
    with pytest.raises(git.RefMoved) as caught:
        git.update_ref(repo, ref, base, new, "land")
    assert caught.value.actual == base
    git.update_ref(repo, ref, new, base, "land")
    assert git.list_refs(repo, "refs/heads/pipeline/") == {ref: new}
    assert git.ref_exists(repo, ref)
    run_git(repo.root, "update-ref", "-d", ref)
    assert not git.ref_exists(repo, ref)
    with pytest.raises(git.RefMoved) as caught:
        git.update_ref(repo, ref, new, base, "land")
    assert caught.value.actual is None


def test_the_folders_on_a_refs_path_are_synced_although_some_are_missing(
    repo: git.Repository,
) -> None:
    sync_folders(repo.git_dir, "refs/heads/not/there")


def test_only_our_own_stale_locks_are_removed(repo: git.Repository) -> None:
    ours = repo.git_dir / "refs/heads/pipeline/night.lock"
    theirs = repo.git_dir / "index.lock"
    other = repo.git_dir / "refs/heads/main.lock"
    ours.parent.mkdir()
    for path in (ours, theirs, other):
        path.touch()
    prefixes = ("refs/heads/pipeline/", "refs/pipeline/")
    assert git.remove_stale_locks(repo, prefixes) == [ours]
    assert theirs.exists()
    assert other.exists()


def test_the_checkout_stays_as_it_is(repo: git.Repository, work: tuple[Path, Path]) -> None:
    tree, index = work
    write_files(repo.root, {"a.txt": "uncommitted\n", "untracked": "u"})
    run_git(repo.root, "add", "src")
    before = fingerprint(repo.root)
    base = git.head_commit(repo)
    write_files(tree, {"a.txt": "agent\n"})
    new = git.commit_tree(repo, git.write_tree(repo, tree, index, base), [base], "m", when=NOW)
    git.update_ref(repo, "refs/heads/pipeline/night", new, None, "land")
    git.changed_paths(repo, base, new)
    git.merge_trees(repo, base, new)
    after = fingerprint(repo.root)
    added = {name for name in after if name not in before}
    assert {name: after[name] for name in before} == before
    assert added == {".git/refs/heads/pipeline/night", ".git/logs/refs/heads/pipeline/night"}


def test_sha256_repositories_work(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    run_git(root, "init", "-q", "-b", "main", "--object-format=sha256")
    commit_files(root, FILES)
    repo, tree = git.open_repository(root), tmp_path / "work"
    tree.mkdir()
    base = git.head_commit(repo)
    git.check_out(repo, base, work_tree=tree, index=tmp_path / "index")
    write_files(tree, {"a.txt": "x"})
    written = git.write_tree(repo, tree, tmp_path / "index", base)
    new = git.commit_tree(repo, written, [base], "m", when=NOW)
    git.update_ref(repo, "refs/heads/pipeline/x", new, None, "land")
    assert len(new) == 64
    assert git.changed_paths(repo, base, new) == ["a.txt"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\nlines", "two lines"),
        ("esc\x1b[31mred", "esc [31mred"),
        ("bidi\u202eback", "bidi back"),
        ("  spaces \t here ", "spaces here"),
    ],
)
def test_a_line_is_one_clean_line(text: str, line: str) -> None:
    assert git.one_line(text) == line


def test_a_long_line_is_cut() -> None:
    assert git.one_line("word " * 30, limit=20) == "word word word wo..."


def test_the_version_is_a_tuple() -> None:
    assert git.version() >= (2, 39)


# what commits changed


def test_the_changes_of_many_commits_are_read_at_once(repo: git.Repository) -> None:
    first = git.head_commit(repo)
    (repo.root / "blob").write_bytes(b"\0\1")
    second = commit_files(repo.root, {"a.txt": "b\nc\n", "src/c.py": "", "né w\n.txt": "x\n"})
    gone = "1" * 40

    changes = git.changes_of(repo, [second, gone, first])

    assert {one.path: (one.added, one.deleted) for one in changes[second]} == {
        "a.txt": (2, 1),
        "blob": (None, None),
        "né w\n.txt": (1, 0),
        "src/c.py": (0, 1),
    }
    assert set(changes) == {first, second}
    patches = git.patches_of(repo, [second, gone, first])
    assert set(patches) == {first, second}
    assert "+b\n+c" in patches[second]
    assert "+a" in patches[first]
    assert git.changes_of(repo, []) == {}
