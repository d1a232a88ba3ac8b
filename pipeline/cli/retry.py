"""`pipeline retry`: take issues up again, with new information where there is some."""

from typing import Annotated

import typer

from pipeline.app.deciding import desk
from pipeline.app.meanwhile import then
from pipeline.app.plans import Desk, Outcome, Retried, open_desk, retry, retry_all
from pipeline.app.project import open_project
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.domain.counting import counted
from pipeline.errors import UsageProblem


def command(
    issue: Annotated[
        str, typer.Argument(metavar="[ISSUE]", help="An issue id.", show_default=False)
    ] = "",
    outcome: Annotated[
        Outcome | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            help="All issues that ended so: " + ", ".join(Outcome) + ".",
        ),
    ] = None,
    feedback: Annotated[
        str, typer.Option("--feedback", metavar="TEXT", help="What to do differently; answers.")
    ] = "",
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Take up an issue that failed, was rejected, or asked questions; or all of one class.

    With --feedback it is planned again; without, a failed attempt is made again.

    Example: pipeline retry ISS-002 --feedback "use the parser in src/dates.py"
    """
    if bool(issue) == (outcome is not None):
        raise UsageProblem("name an issue, or choose all that ended one way by --class")
    if outcome is None:
        _one(issue, feedback, open_desk(repo, bus=event_bus(as_json=as_json)), as_json=as_json)
        return
    here = desk(open_project(repo), event_bus(as_json=as_json), patient=True)
    done = retry_all(here, outcome, feedback=feedback)
    here.book.flush()
    if as_json:
        print_json({"class": outcome, "again": done.again, "left": done.left})
    else:
        _say(done, outcome)


def _one(issue: str, feedback: str, here: Desk, *, as_json: bool) -> None:
    again = retry(here, issue, feedback=feedback)
    if as_json:
        print_json({"issue_id": issue, "again": again})
    else:
        coming = then(here.places, again, "pipeline run", issue)
        typer.echo(f"{issue} is taken up again; {coming}")


def _say(done: Retried, outcome: Outcome) -> None:
    for name, reason in done.left.items():
        print_text(f"left: {name}: {reason}")
    if done.again:
        issues = counted(len(done.again), "issue is", "issues are")
        typer.echo(f"{issues} taken up again: {', '.join(done.again)}; next: pipeline run")
    else:
        typer.echo(f"no issue ended with {outcome}: nothing to retry")
