"""`pipeline execplan lint`: what is wrong with the form of ExecPlans."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import Json
from pipeline.cli.output import print_json
from pipeline.domain.counting import counted
from pipeline.errors import PipelineError
from pipeline.plans.execplan.lint import Finding, lint
from pipeline.plans.execplan.rules import RULES
from pipeline.plans.sanitize import clean

STDIN = "-"


def command(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="ExecPlans; - is standard input.")
    ],
    as_json: Json = False,
) -> int:
    """Check the form of ExecPlans: fence, headings, sections, checklist, times, lists, notes.

    Prints `file:line: rule what is wrong`, and ends with exit code 1 when it found something.
    What is read from standard input may stand in a fence, as in an agent's message.

    Example: pipeline execplan lint docs/plans/add-a-flag.md
    """
    found = [(name, one) for name in files for one in _findings(name)]
    if as_json:
        print_json([_object(name, one) for name, one in found])
    else:
        for name, one in found:
            line = f"{name}:{one.line}: {one.rule} {one.message}"
            typer.echo(clean(line, one_line=True))
        if not found:
            typer.echo(f"{counted(len(files), 'plan is', 'plans are')} in order")
    return 1 if found else 0


def _findings(name: str) -> list[Finding]:
    return lint(_read(name), in_file=name != STDIN)


def _read(name: str) -> str:
    """Return the text of a file; raises `PipelineError` when it cannot be read."""
    try:
        raw = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return raw.decode()
    except OSError as error:
        raise PipelineError(f"{name!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PipelineError(f"{name!r} is not UTF-8 text: write it in UTF-8") from error


def _object(name: str, finding: Finding) -> dict[str, object]:
    return {
        "file": name,
        "line": finding.line,
        "rule": finding.rule,
        "message": finding.message,
        "reason": next(rule.reason for rule in RULES if rule.id == finding.rule),
    }
