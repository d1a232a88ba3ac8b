"""`pipeline add`: one issue, typed at the keyboard."""

import re
from typing import Annotated

import typer

from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json
from pipeline.cli.streams import say
from pipeline.domain.base import ID_PATTERN, utc_now
from pipeline.domain.issue import AuthorTrust, Issue
from pipeline.domain.nearest import meant
from pipeline.errors import UsageProblem
from pipeline.store.backlog import add_issue, load_issues
from pipeline.store.importing.references import Names, named_in

FIRST = 1


def command(
    title: Annotated[
        str, typer.Argument(metavar="TITLE", help="One line that says what is wanted.")
    ],
    description: Annotated[
        str, typer.Option("-d", "--description", help="The whole text.", metavar="TEXT")
    ] = "",
    issue_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Its id; the next free ISS-<n> if not given."),
    ] = None,
    priority: Annotated[
        int,
        typer.Option("-p", "--priority", metavar="N", min=1, max=5, help="1 critical, 5 trivial."),
    ] = 3,
    depends_on: Annotated[
        list[str] | None, typer.Option("--depends-on", metavar="ID", help="May be given often.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="LABEL", help="May be given often.")
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Add one issue to the backlog.

    Example: pipeline add "Dates before 1970 are wrong" -d "parse('1969-12-31') raises" -p 2
    """
    project = open_project(repo)
    known = [issue.id for issue in load_issues(project.places)]
    new_id = issue_id or next_id(known)
    for name in (new_id, *(depends_on or ())):
        if not re.fullmatch(ID_PATTERN, name):
            raise UsageProblem(
                f"{name!r} is not an id: use letters, digits, '.', '_' and '-', at most 64"
            )
    if not title.strip():
        raise UsageProblem("the title is empty: say in one line what is wanted")
    named, _ = named_in(description, Names([*known, new_id]))
    before = [name for name in (*(depends_on or ()), *named) if name != new_id]
    issue = Issue(
        id=new_id,
        title=title,
        description=description,
        priority=priority,
        depends_on=tuple(dict.fromkeys(before)),
        labels=tuple(label or ()),
        author_trust=AuthorTrust.OWNER,
        created_at=utc_now(),
    )
    add_issue(project.places, issue)
    for name in issue.depends_on:
        if name not in known:
            found = meant(name, known)
            hint = f"did you mean {found}? " if found else ""
            say(f"note: there is no issue {name!r} yet: {hint}{new_id} is blocked without it")
    if as_json:
        print_json(issue.model_dump(mode="json"))
    else:
        after = f" after {', '.join(issue.depends_on)}" if issue.depends_on else ""
        typer.echo(f"added {issue.id}{after}; next: pipeline plan {issue.id}")


def next_id(known: list[str]) -> str:
    """Return `ISS-<n>` with the number after the highest one in use, three digits at least."""
    numbers = [int(match[1]) for name in known if (match := re.fullmatch(r"ISS-(\d+)", name))]
    return f"ISS-{max(numbers, default=FIRST - 1) + 1:03d}"
