"""`pipeline doctor`: what is missing here, and the command that mends it."""

import dataclasses

import typer

from pipeline.app.checks import run_checks
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo, Sandbox, flags
from pipeline.cli.output import print_json


def command(sandbox: Sandbox = None, repo: Repo = HERE, as_json: Json = False) -> int:
    """Check git, Python, keys, sandbox, branch prefix, and that the tests pass on HEAD.

    Ends with exit code 1 when something has to be mended.

    Example: pipeline doctor
    """
    project = open_project(repo, flags(sandbox=sandbox), initialized=False)
    checks = []
    for check in run_checks(project):
        checks.append(check)
        if not as_json:
            typer.echo(f"{'ok ' if check.good else 'fix'}  {check.name:<14} {check.found}")
            if check.mend and not check.good:
                typer.echo(f"     {'':<14} -> {check.mend}")
    if as_json:
        print_json([dataclasses.asdict(check) for check in checks])
    return 0 if all(check.good for check in checks) else 1
