"""`pipeline import`: issues from elsewhere, all or none of them, twice without harm."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.app.importing import Told, take_in
from pipeline.app.project import open_project
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.domain.issue import AuthorTrust
from pipeline.errors import UsageProblem
from pipeline.store.importing.batch import Batch
from pipeline.store.importing.entering import ImportReport, with_trust
from pipeline.store.importing.forms import FORMS, STANDARD_INPUT, read_batch
from pipeline.store.importing.github_program import DEFAULT_LIMIT, read_github

NOTES = 20
"""So many notes are shown to a person."""


def command(
    jsonl: Annotated[
        Path | None, typer.Option("--jsonl", metavar="FILE", help="One issue a line.")
    ] = None,
    origin_jsonl: Annotated[
        Path | None,
        typer.Option(
            "--origin-jsonl",
            metavar="FILE",
            help="issues.jsonl of Claude-Code-Workflow; --jsonl recognises most of them.",
        ),
    ] = None,
    github_json: Annotated[
        Path | None,
        typer.Option(
            "--github-json",
            metavar="FILE",
            help="GitHub issues as its REST interface or `gh issue list --json` gives them.",
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="PATH", help="A Markdown file, or a folder of them."),
    ] = None,
    github: Annotated[
        str | None,
        typer.Option("--github", metavar="OWNER/REPO", help="Open issues, through `gh`."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="LABEL",
            help="With --github: only issues with it; may be given often.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help="With --github: the newest so many [1000]."
        ),
    ] = None,
    author_trust: Annotated[
        AuthorTrust | None,
        typer.Option("--author-trust", help="Of authors of whom the source does not say it."),
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Take changed issues over; planned ones are planned again."),
    ] = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Import issues into the backlog; `-` as FILE is standard input.

    Example: pipeline import --github psf/requests --label bug
    """
    files = {
        "jsonl": jsonl,
        "origin-jsonl": origin_jsonl,
        "github-json": github_json,
        "markdown": markdown,
    }
    chosen = [(name, path) for name, path in files.items() if path is not None]
    if len(chosen) + (github is not None) != 1:
        raise UsageProblem(
            f"name one source: {', '.join(f'--{name} FILE' for name in FORMS)} "
            "or --github OWNER/REPO"
        )
    if github is None and (label or limit):
        raise UsageProblem("--label and --limit go with --github OWNER/REPO alone")
    project = open_project(repo)
    if github is not None:
        batch = read_github(github, labels=label or (), limit=limit or DEFAULT_LIMIT)
    else:
        batch = _from_file(*chosen[0])
    if author_trust is not None:
        batch = with_trust(batch, author_trust)
    report, told = take_in(project, batch, update=update, bus=event_bus(as_json=as_json))
    if as_json:
        print_json(_object(report, told))
    else:
        print_text(_text(report, told))


def _from_file(form: str, path: Path) -> Batch:
    given = sys.stdin.buffer.read() if path == STANDARD_INPUT else b""
    return read_batch(FORMS[form], path, given)


def _object(report: ImportReport, told: Sequence[Told]) -> dict[str, object]:
    return {
        "added": report.added,
        "unchanged": report.unchanged,
        "changed": [one.change.id for one in told if not one.applied],
        "updated": [one.change.id for one in told if one.applied],
        "changes": [
            {
                "id": one.change.id,
                "fields": one.change.fields,
                "standing": one.meeting.stands,
                "solution_id": one.meeting.record.solution_id if one.meeting.record else None,
                "updated": one.applied,
            }
            for one in told
        ],
        "skipped": report.skipped,
        "notes": report.notes,
    }


def _text(report: ImportReport, told: Sequence[Told]) -> str:
    counts = {
        "added": len(report.added),
        "unchanged": len(report.unchanged),
        "changed": sum(not one.applied for one in told),
        "updated": sum(one.applied for one in told),
        "skipped (closed, or a pull request)": len(report.skipped),
    }
    always = ("added", "unchanged")
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count or word in always)
    lines = [said, *(one.line for one in told), *_shown(report.notes)]
    if report.added or any(one.applied for one in told):
        lines.append("next: pipeline plan")
    return "\n".join(lines)


def _shown(notes: Sequence[str]) -> list[str]:
    shown = [f"note: {note}" for note in notes[:NOTES]]
    rest = len(notes) - len(shown)
    return [*shown, f"note: {rest} more notes; --json has them all"] if rest else shown
