"""The demo: a small repository with a backlog of four issues, and what the agents do about them.

    DEMO-1  a bug; the first mend fails its test and is mended again
    DEMO-2  a feature in two tasks
    DEMO-3  a refactoring of what DEMO-2 makes
    DEMO-4  a rewrite, to be turned down

The data stands in `demo_project/`; the scripts there show the format at full size.
"""

import tomllib
from pathlib import Path

from pipeline.domain.issue import Issue
from pipeline.errors import PipelineError
from pipeline.git import program
from pipeline.rehearsal.script import Script

TEST_COMMAND = "python3 -m unittest discover -s tests"
"""Runs the demo repository's tests; needs nothing but Python."""

TURNED_DOWN = {"DEMO-4": "Nobody has said that it is too slow, and it deletes the tests."}
"""Issues whose plan the demo's reviewer rejects, with the reason."""

_DATA = Path(__file__).parent / "demo_project"
_SCRIPTS = ("plans.toml", "work.toml")
_IDENTITY = {
    "GIT_AUTHOR_NAME": "Demo",
    "GIT_AUTHOR_EMAIL": "demo@example.invalid",
    "GIT_COMMITTER_NAME": "Demo",
    "GIT_COMMITTER_EMAIL": "demo@example.invalid",
}


def make_demo_repository(folder: Path) -> Path:
    """Make the demo's git repository in `folder`, new or empty; the same commits every time.

    Raises `PipelineError` when something is in the way.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PipelineError(f"{str(folder)!r} is not empty: choose a new or an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    _git(folder, "init", "-q", "-b", "main")
    for commit in tomllib.loads((_DATA / "commits.toml").read_text())["commits"]:
        for name, text in commit["files"].items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        _git(folder, "add", "-A")
        _git(folder, "commit", "-q", "-m", commit["message"], date=commit["date"])
    return folder


def demo_backlog() -> str:
    """Return the four issues as JSON lines, ready for `pipeline import --jsonl`."""
    return (_DATA / "issues.jsonl").read_text()


def demo_issues() -> list[Issue]:
    """Return the four issues."""
    return [Issue.model_validate_json(line) for line in demo_backlog().splitlines()]


def demo_script() -> Script:
    """Return what planner and executor say about the four issues."""
    script = Script()
    for name in _SCRIPTS:
        script += Script.load(_DATA / name)
    return script


def _git(folder: Path, *words: str, date: str = "") -> None:
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    program.call(words, cwd=folder, env=program.environment() | _IDENTITY | dates)
