"""`pipeline prompts`: what agents are told, where it comes from, and how to say it otherwise."""

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from pipeline.agents.prompt_levels import PromptLevels
from pipeline.agents.prompts import read_prompt
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table
from pipeline.cli.streams import say
from pipeline.errors import UsageProblem
from pipeline.plans.sanitize import clean

Action = Literal["list", "show", "diff", "copy"]


@dataclass(frozen=True)
class _Asked:
    """The words of one command line."""

    levels: PromptLevels
    name: str | None
    shipped: bool
    user: bool
    as_json: bool

    @property
    def named(self) -> str:
        """Return the name; raises `UsageProblem` when there is none."""
        if self.name is None:
            raise UsageProblem("which prompt? `pipeline prompts list` names them")
        return self.name


def command(
    action: Annotated[
        Action, typer.Argument(metavar="[list|show|diff|copy]", help="What to do.")
    ] = "list",
    name: Annotated[
        str | None, typer.Argument(metavar="[PROMPT]", help="A prompt; for diff: all if left out.")
    ] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="show: the one that ships, whatever overrides it.")
    ] = False,
    user: Annotated[
        bool, typer.Option("--user", help="copy: to your own folder, for all your repositories.")
    ] = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> int:
    """List, show, compare or override what the agents are told.

    `copy` puts the shipped text into .workflow/prompts/, or with --user into your own folder,
    where you change it. A variable that is missing or unknown is an error that names the line.

    Example: pipeline prompts copy planner-system
    """
    for option, given, only in (("--shipped", shipped, "show"), ("--user", user, "copy")):
        if given and action != only:
            raise UsageProblem(f"{option} belongs to `pipeline prompts {only}`")
    project = open_project(repo)
    return _ACTIONS[action](_Asked(PromptLevels(project.places), name, shipped, user, as_json))


def _list(asked: _Asked) -> int:
    """List the files; exit code 1 when one of them cannot be used."""
    files = asked.levels.files()
    chosen = [one for one in files if asked.name in (None, one.name)]
    if not chosen:
        asked.levels.in_force(asked.named)
    if asked.as_json:
        print_json([{**dataclasses.asdict(one), "path": str(one.path)} for one in chosen])
    else:
        rows = [
            (
                "*" if one.in_force else "",
                one.name,
                one.level,
                "ERROR" if one.problem else ", ".join(one.variables) or "-",
            )
            for one in chosen
        ]
        width = shutil.get_terminal_size((100, 24)).columns
        print_table(("", "PROMPT", "FROM", "VARIABLES"), rows, width=width)
    problems = [one.problem for one in chosen if one.problem]
    for problem in problems:
        say(f"pipeline: {clean(problem, one_line=True)}")
    return 1 if problems else 0


def _show(asked: _Asked) -> int:
    """Write the text as it stands to stdout, so that it can be redirected; its path to stderr."""
    levels, name = asked.levels, asked.named
    path = levels.shipped(name) if asked.shipped else levels.in_force(name)
    text = read_prompt(path)
    if asked.as_json:
        print_json({"name": name, "path": str(path), "text": text})
    else:
        variables = ", ".join(levels.prompts.variables(name)) or "none"
        say(f"# {clean(str(path), one_line=True)}; variables: {variables}")
        typer.echo(clean(text), nl=False)
    return 0


def _diff(asked: _Asked) -> int:
    """Compare with what ships: one prompt, or all that are overridden."""
    names = asked.levels.prompts.names() if asked.name is None else [asked.name]
    found = {name: text for name in names if (text := asked.levels.difference(name))}
    if asked.as_json:
        print_json(found)
    elif found:
        typer.echo(clean("\n".join(found.values())))
    else:
        say("no prompt is overridden" if asked.name is None else f"{asked.name} is as it ships")
    return 0


def _copy(asked: _Asked) -> int:
    path = asked.levels.copy(asked.named, "user" if asked.user else "project")
    if asked.as_json:
        print_json({"path": str(path)})
    else:
        typer.echo(f"wrote {path}: change it; `pipeline prompts diff {asked.name}` compares")
    return 0


_ACTIONS: dict[Action, Callable[[_Asked], int]] = {
    "list": _list,
    "show": _show,
    "diff": _diff,
    "copy": _copy,
}
