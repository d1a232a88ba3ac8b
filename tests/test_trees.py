"""What git says of a path at a commit, by the process that stays open and by one for each call."""

from pathlib import Path

import pytest

from pipeline.git import GitError, Repository, Trees, blob_at, head_commit, open_repository
from tests.builders import commit_files, git, make_repository

PATHS = (
    "a.txt",
    "deep/er/b.txt",
    "deep",
    "none",
    "deep/none",
    "a.txt/b",
    "",
    "./a.txt",
    "..",
    "x\ny",
)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    root = make_repository(
        tmp_path / "repo", {"a.txt": "a\n", "deep/er/b.txt": "b\n", "x\ny": "n\n"}
    )
    return open_repository(root)


def test_paths_are_found_as_ls_tree_finds_them(repo: Repository) -> None:
    head = head_commit(repo)
    asked = [path for path in PATHS if path not in ("..", "./a.txt")]  # which ls-tree resolves
    expected = {path: blob_at(repo, head, path) for path in asked}
    assert expected["x\ny"]
    assert Trees(repo).blobs_at(head, asked) == expected
    assert Trees(repo).blobs_at(head, ["..", "./a.txt"]) == {"..": None, "./a.txt": None}


def test_a_submodule_is_the_commit_that_the_tree_names(repo: Repository) -> None:
    commit = "1" * 40
    git(repo.root, "update-index", "--add", "--cacheinfo", f"160000,{commit},lib")
    git(repo.root, "commit", "-q", "-m", "a submodule")
    head = head_commit(repo)
    assert Trees(repo).blobs_at(head, ["lib", "lib/inside"]) == {"lib": commit, "lib/inside": None}


def test_what_came_after_the_process_was_started_is_found(repo: Repository) -> None:
    trees = Trees(repo)
    first = trees.commit("refs/heads/main")
    second = commit_files(repo.root, {"a.txt": "other\n"})
    assert first != second == trees.commit("refs/heads/main")
    assert trees.blobs_at(second, ["a.txt"]) == {"a.txt": blob_at(repo, second, "a.txt")}
    git(repo.root, "gc", "-q")
    third = commit_files(repo.root, {"a.txt": "third\n"})
    assert trees.commit("refs/heads/main") == third


@pytest.mark.parametrize("name", ["", "0" * 40, "refs/heads/none", "^main", "main\nmain", "a\0b"])
def test_what_is_no_commit_is_none(repo: Repository, name: str) -> None:
    trees = Trees(repo)
    assert trees.commit(name) is None
    with pytest.raises(GitError):
        trees.blobs_at(name, ["a.txt"])
    assert trees.commit("refs/heads/main") == head_commit(repo)


def test_a_process_that_was_killed_is_started_again(repo: Repository) -> None:
    trees = Trees(repo)
    assert trees.commit("refs/heads/main")
    assert trees._process is not None
    trees._process.end()
    assert trees.commit("refs/heads/main") == head_commit(repo)
