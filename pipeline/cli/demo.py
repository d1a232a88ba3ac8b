"""`pipeline demo`: a whole evening and night in seconds, offline, in a scratch repository."""

import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pipeline.app.books import read_state
from pipeline.app.deciding import desk
from pipeline.app.project import Project, open_project, set_up
from pipeline.app.reporting import make_project_report
from pipeline.app.stopping import StopFlag
from pipeline.app.telling import event_bus
from pipeline.app.working import work_through
from pipeline.cli.options import Json, Sandbox, flags
from pipeline.cli.output import print_json, print_text
from pipeline.domain.counting import counted
from pipeline.domain.group import Group
from pipeline.domain.wanted import Wanted
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.git import commits_between
from pipeline.observe.report.markdown import to_markdown
from pipeline.rehearsal.demo import (
    TEST_COMMAND,
    TURNED_DOWN,
    demo_backlog,
    demo_issues,
    demo_script,
    make_demo_repository,
)
from pipeline.rehearsal.server import StandIn
from pipeline.store.importing.batch import Document
from pipeline.store.importing.entering import enter
from pipeline.store.importing.lines import read_lines


def command(
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="Where the repository goes; new or empty."),
    ] = None,
    sandbox: Sandbox = None,
    as_json: Json = False,
) -> int:
    """Show the whole thing: four issues, decisions, tested commits; no key, no network.

    Two agents of two vendors work through the real SDKs against a stand-in model server on
    this machine; repository, git, sandbox and tests are real.

    Example: pipeline demo --into /tmp/demo
    """
    started = time.monotonic()
    folder = (into or Path(tempfile.mkdtemp(prefix="pipeline-demo-"))).absolute()
    make_demo_repository(folder)
    bus = event_bus(as_json=as_json)
    with StandIn(demo_script()) as server, StopFlag().listening() as stop:
        given = flags(sandbox=sandbox) | _stand_in_settings(server.url)
        project = open_project(folder, given, initialized=False)
        set_up(project)
        enter(project.places, read_lines([Document("the demo's backlog", demo_backlog())]))
        with _told("Evening: the Planning agent turns four issues into plans", as_json):
            work_through(project, Wanted(execution=False), bus=bus, stop=stop)
        with _told("The gate: you decide (here: three are approved, one is rejected)", as_json):
            _decide(project, bus, quiet=as_json)
        with _told("Night: the Execution agent carries the approved plans out", as_json):
            code = work_through(project, Wanted(), bus=bus, stop=stop)
    report = make_project_report(project, read_state(project), code)
    if as_json:
        print_json(report.model_dump(mode="json") | {"folder": str(folder)})
        return code
    with _told("Morning: the report", as_json):
        print_text(to_markdown(report))
    _look_around(project, time.monotonic() - started)
    if len(report.groups[Group.LANDED]) != len(demo_issues()) - len(TURNED_DOWN):
        raise PipelineError(f"the demo did not end as it should; its records are in {folder}")
    return code


def _stand_in_settings(url: str) -> dict[str, object]:
    """Return the settings of a rehearsal: planner and executor at two vendors' interfaces."""
    return {
        "planner.provider": "anthropic",
        "planner.base_url": url,
        "executor.provider": "openai",
        "executor.base_url": f"{url}/v1",
        "run.rehearsal": True,
        "tests.command": TEST_COMMAND,
    }


def _decide(project: Project, bus: EventBus, *, quiet: bool) -> None:
    here = desk(project, bus)
    for issue in demo_issues():
        record = here.find(issue.id)
        if reason := TURNED_DOWN.get(issue.id):
            here.reject(record, reason=reason)
            said = f'pipeline reject {record.key} --reason "{reason}"'
        else:
            here.approve(record)
            said = f"pipeline approve {record.key}"
        if not quiet:
            typer.echo(f"$ {said}")


@contextmanager
def _told(heading: str, quiet: bool) -> Iterator[None]:
    """Put a heading above what happens inside."""
    if not quiet:
        typer.echo(f"\n== {heading}")
    yield


def _look_around(project: Project, seconds: float) -> None:
    """Say where everything is."""
    run = read_state(project).runs[-1]
    commits = commits_between(project.repo, run.base_commit, run.branch)
    made = counted(len(commits), "tested commit")
    typer.echo(f"\n== {made} in {seconds:.0f} s; your branch is untouched")
    where = shlex.quote(str(project.repo.root))
    for line in (
        f"git -C {where} log --stat main..{run.branch}",
        f"git -C {where} status",
        f"{_program()} issues -C {where}",
        f"jq . {where}/.workflow/planning-results.json",
        f"less {where}/.workflow/plans/*.md",
    ):
        typer.echo(f"  {line}")
    typer.echo(f"everything is in {where}, and stays there until you remove it:")
    typer.echo(f"  {_program()} clean --all -C {where} && rm -r {where}")


def _program() -> str:
    """Return how this program is called from here."""
    return "pipeline" if shutil.which("pipeline") else sys.argv[0]
