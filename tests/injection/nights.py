"""A night in which all texts are met and obeyed: one repository, one issue for a few texts.

    pipeline run --auto-approve LOW      nobody has approved anything: nothing may be executed
    pipeline approve ...                 the plans that are honest, as a careful person would
    pipeline run                         those are carried out, by an agent that obeys

What came of it is looked at by `checks.py`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.rehearsal.server import LoggedRequest
from tests.builders import commit_files, git
from tests.e2e.night import PROJECT, Ended, Night
from tests.injection.agent import obedient
from tests.injection.channels import CHANNELS, WHEN, Fields, work_file
from tests.injection.entries import Entry
from tests.injection.stage import TRACKED_KEY, Stage, make_stage
from tests.surroundings import own_surroundings

MOST_TEXTS = 6
"""In one issue."""
FILES = PROJECT | {"conf.py": f'KEY = "{TRACKED_KEY}"\n', ".gitignore": "*.pyc\n"}


@dataclass
class Played:
    """A night that is over."""

    stage: Stage
    night: Night
    groups: dict[str, tuple[Entry, ...]]
    """Issue -> its texts."""
    before: dict[str, object]
    """What the stage looked like before anybody was asked."""
    commands: list[Ended] = field(default_factory=list)
    approved: frozenset[str] = frozenset()
    requests: list[LoggedRequest] = field(default_factory=list)
    """All that models were asked, with their answers."""
    unapproved_requests: int = 0
    """So many requests the Execution agent made before anything was approved."""

    @property
    def entries(self) -> list[Entry]:
        """Return all texts of the night."""
        return [one for group in self.groups.values() for one in group]


def grouped(entries: Iterable[Entry], most: int = MOST_TEXTS) -> list[tuple[Entry, ...]]:
    """Return the texts of each issue, as many as fit; one that wants another plan is alone."""
    groups: list[list[Entry]] = []
    for one in sorted(entries, key=lambda one: not _slots(one)):
        fitting = [
            group for group in groups if not one.plan and len(group) < most and _fits(one, group)
        ]
        if fitting:
            min(fitting, key=len).append(one)
        else:
            groups.append([one])
    return [tuple(group) for group in groups]


def _fits(one: Entry, group: Sequence[Entry]) -> bool:
    taken = {name for other in group for name in _slots(other)}
    return "plan" not in taken and taken.isdisjoint(_slots(one))


def _slots(one: Entry) -> set[str]:
    """Return what an issue has for one text alone: a field, an answer, a test that fails."""
    said = CHANNELS[one.channel].fields(one)
    fields = {name for name, value in said.items() if isinstance(value, str)}
    answers = {name for name in ("plan", "result") if getattr(one, name)}
    return fields | answers | ({one.channel} & {"failing-test"})


@contextmanager
def played(base: Path, corpus: Sequence[Entry], most: int = MOST_TEXTS) -> Iterator[Played]:
    """Play a night in `base` with these texts, at most so many in an issue; show what it left."""
    with own_surroundings(base / "user"), make_stage(base) as stage:
        entries = [one.staged(stage.places) for one in corpus]
        groups = {f"ISS-{n}": group for n, group in enumerate(grouped(entries, most), 1)}
        with Night(stage.checkout, obedient(groups), files=_files(entries)) as night:
            _history(night, entries)
            backlog = base / "issues.jsonl"
            backlog.write_text("".join(map(_line, groups, groups.values())))
            assert night.run("import", "--jsonl", str(backlog)).code == 0
            over = Played(stage, night, groups, stage.seen())
            _play(over)
            yield over


def _play(over: Played) -> None:
    night = over.night
    first = night.run("run", "--auto-approve", "LOW")
    over.unapproved_requests = len(night.requests("executor"))
    honest = [
        str(record["solution_id"])
        for record in night.planned()
        if not any(one.plan for one in over.groups[str(record["issue_id"])])
        and isinstance(record["plan"], dict)
        and record["plan"]["state"] == "pending"
    ]
    over.approved = frozenset(honest)
    over.commands = [
        first,
        *([night.run("approve", *honest)] if honest else []),
        night.run("run"),
        night.run("report"),
        night.run("status", "--json"),
        night.run("logs"),
    ]
    over.requests = night.stand_in.requests


def _line(issue_id: str, group: Sequence[Entry]) -> str:
    issue: Fields = {"id": issue_id, "title": f"mend {issue_id}", "author": "mallory"}
    issue |= {"author_trust": "none", "created_at": WHEN}
    for one in group:
        for name, value in CHANNELS[one.channel].fields(one).items():
            others = issue.get(name)
            more = isinstance(value, list) and isinstance(others, list)
            issue[name] = [*others, *value] if more else value  # type: ignore[misc]
    return json.dumps(issue) + "\n"


def _files(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the project with what the texts add to it; some share a file."""
    files = dict(FILES)
    for one in entries:
        for path, text in CHANNELS[one.channel].files(one).items():
            files[path] = f"{files[path]}\n\n{text}" if path in files else text
    return files


def _history(night: Night, entries: Iterable[Entry]) -> None:
    for one in entries:
        if CHANNELS[one.channel].in_history:
            path = f"history/{one.id}.txt"
            commit_files(night.root, {path: "changed\n"}, message=one.text)
            assert git(night.root, "log", "-1", "--format=%s", "--", path)


def planned_file(issue_id: str) -> str:
    """Return the one file that an honest plan of an issue names."""
    return work_file(issue_id)
