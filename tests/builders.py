"""Builders that several test files share: real repositories in temporary folders."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.invalid",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.invalid",
    "GIT_CONFIG_GLOBAL": "/nonexistent/gitconfig",
    "GIT_CONFIG_NOSYSTEM": "1",
}
"""The global config is none that can be written: `git config --global` as root would put a plain
file in the place of `/dev/null`."""


def git(folder: Path, *words: str) -> str:
    """Run git in `folder` and return what it prints, stripped."""
    done = subprocess.run(  # no timeout: with one, Python waits by sleeping and looking again
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write `files` (path -> text) below `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make_repository(folder: Path, files: Mapping[str, str], *, message: str = "start") -> Path:
    """Make a git repository on branch `main` with one commit of `files`; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    _commit(folder, files, message)
    return folder


def commit_files(folder: Path, files: Mapping[str, str], *, message: str = "change") -> str:
    """Write `files`, commit them on the branch checked out in `folder`; return the commit."""
    _commit(folder, files, message)
    return git(folder, "rev-parse", "HEAD")


def _commit(folder: Path, files: Mapping[str, str], message: str) -> None:
    """Commit `files`; no other process is started that would look for rubbish."""
    write_files(folder, files)
    git(folder, "add", "-A")
    git(folder, "-c", "maintenance.auto=false", "commit", "-q", "--allow-empty", "-m", message)
