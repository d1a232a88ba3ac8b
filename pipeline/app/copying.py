"""A copy of everything that a decision or an edit writes to, made to try one out.

    <copy>/repository     .workflow/ copied, the rest of the checkout as links, HEAD, and the
                          repository's own objects and refs by git's `commondir`
    <copy>/config, state  the user's folders: `pipeline` copied, the rest as links

What runs with `environment` on `root` behaves as it would in the original: the same key signs, the
same rules refuse. For commands that write no git refs: those would be the repository's own.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.git import Repository, head_commit
from pipeline.paths import APP_NAME, Places
from pipeline.store.entries import Entry
from pipeline.store.line import Line, scan

LEFT_OUT = frozenset({"outputs", "transcripts", "tested", "quarantine", "archive", "room"})
"""What no decision reads and may be large."""
FOLLOWS = frozenset(
    {
        *("journal.jsonl", "journal.torn", "planning-results.json", "execution-results.json"),
        *("run.json", "report.md", "report.html", "report.json"),
    }
)
"""Files that change with the journal: its lines are told instead."""


@dataclass(frozen=True)
class Copy:
    """Where the copy is, and what makes a process use it."""

    root: Path
    environment: dict[str, str]
    names: dict[str, str]
    """Path in the copy -> path in the original, the longest first."""

    def original(self, text: str) -> str:
        """Return a text with the paths of the original in it."""
        for here, there in self.names.items():
            text = text.replace(here, there)
        return text


def make_copy(repo: Repository, places: Places, folder: Path) -> Copy:
    """Copy what a decision writes to into `folder`, which is empty."""
    root, git_dir = folder / "repository", folder / "git"
    _link_all(places.root, root, {".git", places.workflow.name})
    _make_worktree(repo, git_dir, root)
    if places.workflow.is_dir():
        _copy_workflow(places.workflow, root / places.workflow.name)
    folders = {"config": places.user.config, "state": places.user.state}
    for name, original in folders.items():
        _copy_user(original, folder / name)
    environment = {f"XDG_{name.upper()}_HOME": str(folder / name) for name in folders}
    names = {str(folder / name / APP_NAME): str(place) for name, place in folders.items()}
    return Copy(
        root,
        environment | {"XDG_CACHE_HOME": str(folder / "cache")},
        {**names, str(root): str(places.root)},
    )


def files_of(copy: Copy) -> dict[Path, bytes]:
    """Return the files that a person or a later command reads, with what is in them."""
    found = {}
    for place in map(Path, copy.names):
        top = place / ".workflow" if place == copy.root else place
        for path in sorted(top.rglob("*")) if top.is_dir() else ():
            is_told = path.name in FOLLOWS or path.suffix == ".lock" or "journals" in path.parts
            if path.is_file() and not path.is_symlink() and not is_told:
                found[path] = path.read_bytes()
    return found


def changes(before: dict[Path, bytes], after: dict[Path, bytes]) -> Iterator[tuple[Path, str]]:
    """Yield which files differ, and how: `new`, `removed`, or the lines more and less."""
    for path in sorted(before.keys() | after.keys()):
        if path not in before:
            yield path, "new"
        elif path not in after:
            yield path, "removed"
        elif before[path] != after[path]:
            old, new = Counter(before[path].splitlines()), Counter(after[path].splitlines())
            yield path, f"+{(new - old).total()} -{(old - new).total()} lines"


def new_lines(journal: Path, offset: int, seq: int) -> list[Line]:
    """Return the lines of a journal behind line `seq`, which ends at `offset`."""
    found: list[Line] = []
    if journal.exists():
        with journal.open("rb") as stream:
            stream.seek(offset)
            scan(stream, offset=offset, seq=seq, wanted=None, take=found.append)
    return found


def in_words(entry: Entry, kind: str) -> str:
    """Return what a journal line says, in a few words: `plan_changed SOL-ISS-1-1 (approve)`."""
    about = getattr(entry, "record", entry)
    name = getattr(about, "solution_id", None) or getattr(about, "issue_id", None) or ""
    event = getattr(entry, "event", None) or getattr(entry, "again", None)
    return f"{kind} {name}".rstrip() + (f" ({event})" if event else "")


def _link_all(source: Path, target: Path, without: set[str]) -> None:
    target.mkdir(parents=True)
    for path in source.iterdir() if source.is_dir() else ():
        if path.name not in without:
            (target / path.name).symlink_to(path)


def _make_worktree(repo: Repository, git_dir: Path, root: Path) -> None:
    """Make a working tree of the repository that the repository does not know of."""
    git_dir.mkdir()
    (git_dir / "HEAD").write_text(f"{head_commit(repo)}\n")
    (git_dir / "commondir").write_text(f"{repo.git_dir}\n")
    (git_dir / "gitdir").write_text(f"{root / '.git'}\n")
    (root / ".git").write_text(f"gitdir: {git_dir}\n")


def _copy_workflow(source: Path, target: Path) -> None:
    """Copy the folder; the journal last, so that no document is ahead of it."""
    last = "journal.jsonl"
    shutil.copytree(
        source,
        target,
        symlinks=True,
        ignore=lambda _folder, names: {name for name in names if _is_left_out(name, last)},
        dirs_exist_ok=True,
    )
    if (source / last).is_file():
        shutil.copy2(source / last, target / last)


def _is_left_out(name: str, last: str) -> bool:
    return name in LEFT_OUT or name == last or name.endswith((".lock", ".tmp"))


def _copy_user(original: Path, into: Path) -> None:
    _link_all(original.parent, into, {APP_NAME})
    if original.is_dir():
        shutil.copytree(original, into / APP_NAME, ignore=shutil.ignore_patterns("logs", "*.lock"))
