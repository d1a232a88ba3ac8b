"""`pipeline execplan new`: the skeleton of an ExecPlan."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import Json
from pipeline.cli.output import print_json
from pipeline.domain.base import utc_now
from pipeline.errors import PipelineError, UsageProblem
from pipeline.plans.execplan.skeleton import skeleton
from pipeline.plans.page import moment
from pipeline.plans.sanitize import clean


def command(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What the plan does.")],
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write it there; a new file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the skeleton of an ExecPlan, with what belongs into each of its sections.

    Example: pipeline execplan new "Add a --format flag" --output docs/plans/format.md
    """
    name = clean(title, one_line=True)
    if not name:
        raise UsageProblem("TITLE is empty: say in a few words what the plan does")
    text = skeleton(name, now=moment(utc_now()))
    if output is not None:
        _write(output, text)
    if as_json:
        print_json({"path": str(output) if output else None, "text": text})
    elif output is not None:
        typer.echo(f"wrote {output}: `pipeline execplan lint {output}` checks it")
    else:
        typer.echo(text, nl=False)


def _write(path: Path, text: str) -> None:
    """Write a new file; raises `PipelineError` when there is one, or no folder for it."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise PipelineError(f"{str(path)!r} is there already: choose another name") from error
    except OSError as error:
        raise PipelineError(f"{str(path)!r} cannot be written: {error.strerror}") from error
