"""What must hold at the moment after a kill, and what must hold in the end."""

import os
import select
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pipeline.store.journal import Journal
from tests.builders import git
from tests.kill.lane import UNDONE, Ended, Lane, Records, Wrong

Entry = dict[str, Any]
PHASES = ("planning", "execution")
RECORDED = {
    "plan_recorded": "planning",
    "attempt_recorded": "execution",
    "rolled_back": "execution",
}
UNFINISHED = "?? .workflow/"
"""What git says while `init` has made its folder and not yet the `.gitignore` in it."""
DEATH_S = 3.0
"""A process whose pipeline was killed may need so long to be gone."""


@dataclass(frozen=True)
class Checkout:
    """Everything of the user's repository that is not ours."""

    status: tuple[str, ...]
    head: str
    branch: str
    refs: tuple[str, ...]
    index: bytes
    config: bytes
    files: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, lane: Lane) -> "Checkout":
        """Look at the checkout of a lane."""
        root = lane.root
        ours = ("refs/heads/pipeline/", "refs/pipeline/")
        refs = git(root, "for-each-ref", "--format=%(objectname) %(refname)").splitlines()
        status = git(root, "--no-optional-locks", "status", "--porcelain").splitlines()
        return cls(
            status=tuple(line for line in status if line != UNFINISHED),
            head=git(root, "rev-parse", "HEAD"),
            branch=git(root, "symbolic-ref", "HEAD"),
            refs=tuple(one for one in refs if not one.split(" ")[1].startswith(ours)),
            index=(root / ".git" / "index").read_bytes(),
            config=(root / ".git" / "config").read_bytes(),
            files=tuple((name, (root / name).read_bytes()) for name in _files(root)),
        )


def _files(root: Path) -> list[str]:
    inside = (path for path in root.rglob("*") if path.is_file())
    names = (path.relative_to(root) for path in inside)
    return sorted(str(name) for name in names if name.parts[0] not in (".git", ".workflow"))


@dataclass(frozen=True)
class Kept:
    """What was durable at the moment after a kill and may never be lost."""

    journal: bytes
    backlog: bytes
    records: dict[str, dict[str, Entry]]
    """Phase -> key -> record, from the documents and the journal."""


def after_kill(
    lane: Lane,
    ended: Ended,
    checkout: Checkout,
    earlier: Kept | None = None,
    *,
    at_once: bool = False,
) -> Kept:
    """Check a lane in which a command was just killed; return what it must not lose.

    With `at_once` nobody waits for the command's own processes to be gone.
    """
    if not at_once:
        _nobody_is_left(lane)
    _same(checkout, Checkout.of(lane))
    journal = whole_lines(lane.workflow / "journal.jsonl")
    lines = [orjson.loads(line) for line in journal.splitlines()]
    acknowledged = sum(point.startswith("journal:after:") for point in ended.points)
    before = len(earlier.journal.splitlines()) if earlier else 0
    if before + acknowledged > len(lines):
        raise Wrong(f"{acknowledged} lines were acknowledged, {len(lines) - before} are there")
    records = _of_journal(lines)
    for phase in PHASES:
        records[phase] = _by_key(lane.document(phase)) | records[phase]
    kept = Kept(journal, whole_lines(lane.workflow / "issues" / "issues.jsonl"), records)
    if earlier is not None:
        _nothing_is_lost(earlier, kept)
    return kept


def at_end(lane: Lane, kept: Kept, checkout: Checkout) -> None:
    """Check a lane in which the story has come to its end after one or more kills."""
    _nobody_is_left(lane)
    _same(checkout, Checkout.of(lane))
    _same("", git(lane.root, "status", "--porcelain"))
    journal = (lane.workflow / "journal.jsonl").read_bytes()
    records = {phase: _by_key(lane.document(phase)) for phase in PHASES}
    backlog = (lane.workflow / "issues" / "issues.jsonl").read_bytes()
    _nothing_is_lost(kept, Kept(journal, backlog, records))
    _same(lane.story.states, lane.states())
    _commits_are_records(lane)
    Journal(lane.places).verify()
    git(lane.root, "fsck", "--connectivity-only", "--no-dangling")
    _no_debris(lane)


def _commits_are_records(lane: Lane) -> None:
    """Check that the commits on the run's branch are those of the records, each of them once."""
    branches = git(lane.root, "for-each-ref", "--format=%(refname)", "refs/heads/pipeline/").split()
    if len(branches) != 1 and not lane.story.undone:  # what is undone may be taken up by a new run
        raise Wrong(f"there is more than one run's branch: {branches}")
    form = "--format=%H %(trailers:key=Solution-Id,valueonly,separator=%x2C)"
    log = git(lane.root, "log", "--reverse", form, "^main", *branches).splitlines()
    commits = [tuple(line.split(" ", 1)) for line in log]
    landed = [r for r in lane.document("execution") if r["status"] in ("completed", UNDONE)]
    recorded = [(str(r["commit_hash"]), str(r["solution_id"])) for r in landed]
    taken_back = [r["rollback"]["commit"] for r in landed if r["status"] == UNDONE]
    found = [commit for commit in commits if commit[0] not in taken_back]
    twice = [name for name, count in Counter(name for _, name in found).items() if count > 1]
    if twice or found != recorded or len(commits) != len(recorded) + len(taken_back):
        raise Wrong(f"commits {commits} are not those of the records {recorded} {taken_back}")
    landing = sum(state == "completed" for state in lane.story.states.values())
    expected = landing + len(lane.story.undone)
    if len(found) != expected:
        raise Wrong(f"{len(found)} commits landed instead of {expected}")


def _nothing_is_lost(kept: Kept, now: Kept) -> None:
    if not now.journal.startswith(kept.journal):
        raise Wrong("a journal line that was readable after the kill is not there any more")
    if not now.backlog.startswith(kept.backlog):
        raise Wrong("an issue that was readable after the kill is not there any more")
    for phase in PHASES:
        for key, record in kept.records[phase].items():
            found = now.records[phase].get(key)
            if found is None and not _was_removed(now.journal, key):
                raise Wrong(f"the {phase} record {key} is lost")
            if found is not None and _fixed(record) != _fixed(found):
                raise Wrong(f"the {phase} record {key} has become another one")


def _of_journal(lines: Sequence[Entry]) -> dict[str, dict[str, Entry]]:
    found: dict[str, dict[str, Entry]] = {phase: {} for phase in PHASES}
    for line in lines:
        if line["kind"] in RECORDED:
            record = line["data"]["record"]
            found[RECORDED[line["kind"]]][_key(record)] = record
    return found


def _was_removed(journal: bytes, key: str) -> bool:
    lines = map(orjson.loads, journal.splitlines())
    return any(one["kind"] == "removed_by_hand" and one["data"]["key"] == key for one in lines)


def _fixed(record: Entry) -> Entry:
    """Return what never changes in a record: all but a plan's envelope and how it was undone."""
    fixed = {name: value for name, value in record.items() if name not in ("plan", "rollback")}
    return fixed | ({"status": "completed"} if record["status"] == UNDONE else {})


def _by_key(records: Records) -> dict[str, Entry]:
    return {_key(record): record for record in records}


def _key(record: Entry) -> str:
    name = record.get("execution_result_id") or record.get("solution_id")
    return str(name or f"{record['issue_id']} attempt {record['attempt']}")


def whole_lines(path: Path) -> bytes:
    """Return the lines of a file that were written to their end; none where it is not there."""
    raw = path.read_bytes() if path.exists() else b""
    return raw[: raw.rfind(b"\n") + 1]


def _same(expected: object, found: object) -> None:
    if expected != found:
        raise Wrong(f"expected {str(expected)[:600]}, found {str(found)[:600]}")


def _no_debris(lane: Lane) -> None:
    """Check that no temporary file, lock of a ref or throw-away clone of a killed process stays."""
    places = (lane.workflow, lane.root / ".git" / "refs", lane.live / "user")
    found = [path for place in places for path in place.rglob("*") if _is_debris(path)]
    if found:
        raise Wrong(f"left over: {', '.join(str(path.relative_to(lane.live)) for path in found)}")


def _is_debris(path: Path) -> bool:
    locks = ("journal.lock", "run.lock", "backlog.lock", "issues.lock")
    name = path.name
    return (
        name.endswith(".tmp")
        or (name.endswith(".lock") and name not in locks)
        or (name.startswith("fresh-"))
    )


def _nobody_is_left(lane: Lane) -> None:
    """Check that every process of the lane is gone, or goes within a moment."""
    for pid in _processes_in(str(lane.live)):
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                gone, _, _ = select.select([handle], [], [], DEATH_S)
            finally:
                os.close(handle)
            if not gone:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                raise Wrong(f"process {pid} is left over: {command[:200]}")


def _processes_in(folder: str) -> Iterator[int]:
    """Yield processes that work in a folder, or have it in their words or environment."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            if folder.encode() in told or str((entry / "cwd").readlink()).startswith(folder):
                yield int(entry.name)
