"""`pipeline doctor`: what is missing here, and the command that mends it."""

import dataclasses
from itertools import chain
from typing import Annotated

import typer

from pipeline.app.checks import run_checks
from pipeline.app.project import open_project
from pipeline.app.trying import try_vendors
from pipeline.cli.check_rows import print_check
from pipeline.cli.options import HERE, Json, Repo, Sandbox, flags
from pipeline.cli.output import print_json


def command(
    online: Annotated[
        bool,
        typer.Option("--online", help="Call each model once too; it costs a few tokens."),
    ] = False,
    sandbox: Sandbox = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> int:
    """Check git, Python, keys, sandbox, branch prefix, and that the tests pass on HEAD.

    Ends with exit code 1 when something has to be mended; the line below says how.

    Example: pipeline doctor
    """
    project = open_project(repo, flags(sandbox=sandbox), initialized=False)
    checks = []
    tried = try_vendors(project) if online else ()
    for check in chain(run_checks(project), tried):
        checks.append(check)
        if not as_json:
            print_check(check)
    if as_json:
        print_json([dataclasses.asdict(check) for check in checks])
    return 0 if all(check.good for check in checks) else 1
