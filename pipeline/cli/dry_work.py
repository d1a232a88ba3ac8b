"""`--dry-run` of `run`, `resume`, `plan` and `execute`: the agenda, and nothing done."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import Any

from pipeline.app.agenda import Agenda, Step, agenda
from pipeline.app.project import open_project
from pipeline.cli.dry_copy import copied
from pipeline.cli.options import KEY_OF, flags
from pipeline.cli.output import print_json, print_text
from pipeline.cli.streams import while_read
from pipeline.domain.wanted import Wanted

PHASES: dict[str, tuple[bool, bool]] = {
    "plan": (True, False),
    "execute": (False, True),
    "run": (True, True),
    "resume": (True, True),
}
"""Command -> whether it plans, and whether it carries out."""


def try_out(words: str, _function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Say what the command would work on, in which order, and what is known of the cost."""
    plans, executes = PHASES[words]
    wanted = Wanted(
        planning=plans,
        execution=executes,
        issues=tuple(given.get("issues") or ()),
        solutions=tuple(given.get("solutions") or ()),
        base=given.get("base"),
        new=bool(given.get("new")),
    )
    set_by = flags(**{name: value for name, value in given.items() if name in KEY_OF})
    with copied(given["repo"]) as copy:  # a missing journal is started from the documents there
        found = agenda(open_project(copy.root, set_by), wanted)
    with while_read():
        if given["as_json"]:
            print_json({"dry_run": True} | asdict(found))
        else:
            _print(found, wanted)


def _print(found: Agenda, wanted: Wanted) -> None:
    where = f"go on with run {found.run_id}" if found.run_id else "open a run"
    opens = wanted.new or wanted.base or any(step.do != "blocked" for step in found.steps)
    would = f"would {where} at {found.base_commit[:10]}" if found.run_id or opens else "no new run"
    print_text(f"{would}: {found.counts}")
    if found.left_out and opens:
        print_text(found.left_out)
    number = 0
    for note, steps in groupby(found.steps, key=lambda one: (one.do, one.note)):
        print_text(f"{note[0]}: {note[1]}")
        for step in steps:
            number += 1
            print_text(f"{number:>4}  {_said(step)}")
    if not found.steps:
        print_text("nothing to work on")
    for hold in found.holds:
        print_text(hold)
    if found.waiting and wanted.execution:
        count = len(found.waiting)
        wait = "1 plan waits" if count == 1 else f"{count} plans wait"
        print_text(f"{wait} for your decision and would not be carried out: pipeline review")
    print_text("no model was asked and nothing was written: --dry-run")


def _said(step: Step) -> str:
    return f"{step.solution_id or step.issue_id}  {step.title}"
