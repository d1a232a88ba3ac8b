"""`pipeline init`: look around, ask little, and set up `.workflow/` in a repository."""

import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.app.checks import FIRST_LOOK
from pipeline.app.first_config import first_config
from pipeline.app.project import Project, open_project, set_up
from pipeline.app.surroundings import NO_TESTS, VENDORS, is_keyless, look_at_files, proposed_vendors
from pipeline.cli.check_rows import print_check, print_row
from pipeline.cli.options import HERE, DryRun, Json, Repo
from pipeline.cli.output import print_json
from pipeline.errors import PipelineError
from pipeline.plans.project import Project as Found
from pipeline.settings import DEFAULT_MODELS, load_settings, value_of

NONE = "none"


def command(
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: what was found holds.")
    ] = False,
    dry_run: DryRun = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Look around, and make .workflow/ with a commented config.toml; what is there stays.

    It shows languages, tests, linter, base, keys, sandbox and GitHub, and runs nothing of the
    project. On a terminal it asks two or three things; Enter is an answer to each.

    Example: cd my-project, then: pipeline init
    """
    project = open_project(repo, initialized=False)
    found, fresh = look_at_files(project), not project.places.config_file.exists()
    decided = proposed_vendors(project) if fresh else {}
    project = open_project(repo, decided, initialized=False)
    checks = [look(project) for look in FIRST_LOOK]
    if not as_json:
        _show(found)
        for check in checks:
            print_check(check)
        if fresh and not yes and not dry_run and sys.stdin.isatty() and sys.stdout.isatty():
            decided |= _ask(project, found)
    made = set_up(project, _config(found, decided), dry_run=dry_run)
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "root": str(project.repo.root),
                "written": [str(path.relative_to(project.repo.root)) for path in made],
                "languages": found.languages,
                "test_command": found.test_command,
                "lint_command": found.lint_command,
                "decided": decided,
                "checks": [asdict(check) for check in checks],
            }
        )
        return
    typer.echo("")
    where = project.places.workflow
    if dry_run:
        for path in made:
            typer.echo(f"would write {path}")
        typer.echo("nothing is changed: --dry-run" if made else "it would change nothing")
        return
    typer.echo(f"set up {where}" if made else f"{where} was set up before, and stays as it is")
    typer.echo('next: pipeline doctor, then pipeline add "..." or pipeline import --help')


def _show(found: Found) -> None:
    print_row("languages", ", ".join(found.languages) or "none recognised")
    print_row("tests", found.test_command or "none found", mend=_tests_mend(found))
    print_row("linter", found.lint_command or "none found")


def _tests_mend(found: Found) -> str | None:
    return None if found.test_command else NO_TESTS


def _config(found: Found, decided: dict[str, object]) -> str:
    detected: dict[str, object] = {}
    if found.test_command and "tests.command" not in decided:
        detected["tests.command"] = found.test_command
    for role in ("planner", "executor"):
        vendor = decided.get(f"{role}.provider")
        model = next((m for (v, r), m in DEFAULT_MODELS.items() if (v, r) == (vendor, role)), None)
        if model:
            detected[f"{role}.model"] = model
    return first_config(decided, detected)


def _ask(project: Project, found: Found) -> dict[str, object]:
    """Ask what only a person can say; what is left at its default decides nothing."""
    typer.echo("")
    given: dict[str, object] = {}
    tests = found.test_command or NONE
    _take(project, given, ("tests.command",), "Command that runs the tests", tests)
    if is_keyless():
        keys = ("planner.provider", "executor.provider")
        _take(project, given, keys, f"Vendor of both agents ({' or '.join(VENDORS)})", VENDORS[0])
    _take(project, given, ("budget.usd",), "Cap of one run's bill in USD", NONE)
    return given


def _take(
    project: Project, given: dict[str, object], keys: tuple[str, ...], text: str, default: str
) -> None:
    """Ask until the answer is allowed, and keep it under its keys when it decides something."""
    while True:
        answer = typer.prompt(text, default=default).strip()
        if answer in (default, NONE):
            return
        try:
            settings = load_settings(project.places, os.environ, dict.fromkeys(keys, answer))
        except PipelineError as error:
            typer.echo(f"  {str(error).removeprefix('command line: ')}")
            continue
        given |= {key: value_of(settings, key) for key in keys}
        return
