"""`pipeline edit`: a person's own edit of a plan, or their own plan."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.app.plans import Desk, PlanRefused, open_desk
from pipeline.app.telling import event_bus
from pipeline.app.writing import Draft, find_draft, submit
from pipeline.cli.editor import open_editor
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.cli.streams import say
from pipeline.domain.results import PlanningRecord
from pipeline.errors import PipelineError
from pipeline.plans.sanitize import clean
from pipeline.store.files import write_atomic


def command(
    name: Annotated[str, typer.Argument(metavar="SOL", help="A solution or issue id.")],
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help="Take the text from there; `-`: stdin."),
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Write a plan yourself, as JSON in $VISUAL or $EDITOR; it waits for a decision like any other.

    Begins with the plan as it is; with the first one of an issue that has none. What cannot be
    taken is said with its place, and your text is kept: the same command opens it again.

    Example: pipeline edit SOL-ISS-002-1 --file plan.json
    """
    desk = open_desk(repo, bus=event_bus(as_json=as_json))
    draft = find_draft(desk, name)
    made = _from_editor(desk, draft) if file is None else _taken(desk, draft, _read(file))
    if as_json:
        print_json(desk.shown(made).model_dump(mode="json") if made else None)
    elif made is None or made == draft.record:
        typer.echo(f"nothing is changed: {draft.name} stays as it is")
    else:
        assert made.plan is not None
        old = f"; it supersedes {draft.record.key}" if draft.record else ""
        print_text(f"recorded {made.key} ({made.plan.risk.level}){old}")
        print_text(f"next: pipeline approve {made.key}")


def _from_editor(desk: Desk, draft: Draft) -> PlanningRecord | None:
    """Let the person edit; return what is the plan then, None when nothing was written.

    The text lies in a file from the first moment on, and only leaves it as a plan.
    """
    path = desk.places.edits / f"{draft.name}.json"
    if not path.exists():
        write_atomic(path, draft.text.encode())
    kept = f"your text is kept in {_short(path)}"
    try:
        ended = open_editor(path)
    finally:
        if (text := _read(str(path))) == draft.text.encode():
            path.unlink()
    if text == draft.text.encode():
        return draft.record
    if ended != 0:
        raise PipelineError(f"the editor ended with exit code {ended}, so nothing is done; {kept}")
    try:
        made = _taken(desk, draft, text)
    except PipelineError as error:
        again = f"`pipeline edit {draft.name}` opens it again"
        raise PipelineError(f"{error}; {kept}: {again}") from error
    path.unlink()
    return made


def _taken(desk: Desk, draft: Draft, text: bytes) -> PlanningRecord:
    """Record the text as a plan; where it has several problems all are said, a line each."""
    try:
        return submit(desk, draft, text)
    except PlanRefused as error:
        if len(error.problems) > 1:
            for problem in error.problems:
                say(f"- {clean(problem, one_line=True)}")
        raise


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise PipelineError(f"cannot read {file!r}: {error.strerror}") from error


def _short(path: Path) -> str:
    return str(Path(*path.parts[-3:]))
