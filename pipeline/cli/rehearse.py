"""`pipeline rehearse`: tonight's run in a throw-away clone, with the faults that nights bring."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pipeline import git
from pipeline.app.books import read_state
from pipeline.app.project import Project, open_project
from pipeline.app.standing import where_all_stand
from pipeline.cli import options as o
from pipeline.cli.output import print_json
from pipeline.cli.rehearse_night import rehearse, small_texts
from pipeline.cli.rehearse_outcome import summed_up
from pipeline.cli.rehearse_stage import make_stage
from pipeline.cli.rehearse_told import tell_before, tell_line, tell_outcome
from pipeline.cli.run import UNATTENDED_WAIT
from pipeline.domain.group import Group
from pipeline.domain.issue import COMPLETED, Issue
from pipeline.domain.nearest import choose_one_of
from pipeline.domain.plan import RiskLevel
from pipeline.errors import PipelineError, UsageProblem
from pipeline.execution.workspace import remove_tree
from pipeline.plans.ordering import planning_order
from pipeline.plans.standing import Standing
from pipeline.rehearsal.improvised import errands
from pipeline.rehearsal.night import NIGHT_FAULTS, NightFault
from pipeline.store.state import State

ALL, NONE = "all", "none"
DECIDED = (Group.TURNED_DOWN, Group.FAILED)
"""What tonight's run does not take up by itself."""
LOST = 1


def command(
    fault: Annotated[
        str,
        typer.Option(
            "--fault", metavar="NAMES", help=f"{', '.join(NIGHT_FAULTS)}, or {ALL}, or {NONE}."
        ),
    ] = ALL,
    issues: Annotated[
        int | None,
        typer.Option("--issues", metavar="N", min=1, help="At most so many issues."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leaves the clone to look at.")] = False,
    unattended: Annotated[
        bool, typer.Option("--unattended", help="As tonight: waits up to 6 h for a quota.")
    ] = False,
    auto_approve: Annotated[
        RiskLevel | None,
        typer.Option("--auto-approve", metavar="LEVEL", case_sensitive=False, help="As tonight."),
    ] = None,
    wait_quota: o.WaitQuota = None,
    max_usd: o.MaxUsd = None,
    base: o.Base = None,
    sandbox: o.Sandbox = None,
    repo: o.Repo = o.HERE,
    as_json: o.Json = False,
) -> int:
    """Try tonight's run for free: a throw-away clone, scripted agents, and what goes wrong.

    Your settings, your tests, your sandbox; no key, no money, no network. Nothing of yours is
    changed. Exit code 1 when something was lost, naming it.

    Example: pipeline rehearse --fault crash --issues 1
    """
    faults = chosen_faults(fault)
    wait = wait_quota or (UNATTENDED_WAIT if unattended else None)
    given = o.flags(wait_quota=wait, max_usd=max_usd, sandbox=sandbox)
    project = open_project(repo, given)
    rows = where_all_stand(project, state := state_of(project))
    todo = _todo(rows, issues)
    commit = _base(project, state, base)
    tell: Callable[[str], None] = _silent if as_json else tell_line
    tell_before(project, commit, todo, tell)
    began = time.monotonic()
    with _folder(keep=keep, tell=tell) as folder:
        stage = make_stage(folder, project, commit, [*_done(rows), *todo])
        work = errands(todo, small_texts(project.repo, commit))
        done = rehearse(
            stage, project, work, faults, given=given, auto_approve=auto_approve, tell=tell
        )
        outcome = summed_up(stage, project, done, rows, seconds=time.monotonic() - began)
    if as_json:
        folder_kept = {"folder": str(folder)} if keep else {}
        print_json(outcome.model_dump(mode="json") | folder_kept)
    else:
        tell_outcome(outcome)
    return LOST if outcome.lost else 0


def chosen_faults(text: str) -> tuple[NightFault, ...]:
    """Return the faults that a list of names stands for; raises `UsageProblem` for another name."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in (*NIGHT_FAULTS, ALL, NONE):
            raise UsageProblem(
                f"--fault is {name!r}: {choose_one_of(name, (*NIGHT_FAULTS, ALL, NONE))}"
            )
    return tuple(one for one in NIGHT_FAULTS if one in names or ALL in names)


def state_of(project: Project) -> State:
    """Return the journal's state without writing anything; a missing journal stays missing."""
    return read_state(project) if project.places.journal.exists() else State()


def _todo(rows: list[Standing], most: int | None) -> list[Issue]:
    """Return what tonight's run would take up, in its order."""
    left = [row.issue for row in rows if row.group not in (Group.LANDED, *DECIDED)]
    if not left:
        raise PipelineError(
            "nothing to rehearse: no issue is left to do; pipeline add, pipeline import"
        )
    return planning_order(left)[:most]


def _done(rows: list[Standing]) -> list[Issue]:
    """Return the issues that others may depend on, as done before."""
    landed = [row.issue for row in rows if row.group is Group.LANDED]
    return [issue.model_copy(update={"status": COMPLETED}) for issue in landed]


def _base(project: Project, state: State, base: str | None) -> str:
    """Return the commit at which tonight's run goes on or begins."""
    wanted = base or (state.run.branch if state.run else "HEAD")
    commit = git.resolve(project.repo, f"{wanted}^{{commit}}")
    if commit is None:
        raise PipelineError(f"{wanted!r} is no commit of this repository: give another --base")
    return commit


@contextmanager
def _folder(*, keep: bool, tell: Callable[[str], None]) -> Iterator[Path]:
    """Make the folder of a rehearsal, and remove it in the end unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="pipeline-rehearsal-")).resolve()
    try:
        yield folder
    finally:
        if keep:
            tell(f"kept: {folder} (git -C {folder}/clone log --all)")
        else:
            remove_tree(folder)


def _silent(_text: str) -> None:
    """Tell nobody: stdout has one JSON document."""
