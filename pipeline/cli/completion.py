"""`pipeline completion`: a script that has the shell complete commands, options and ids."""

from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_shared import get_completion_script

from pipeline.cli.options import Json
from pipeline.cli.output import print_json
from pipeline.cli.tables import VARIABLE


class Shell(StrEnum):
    """The shells that complete words."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


LOADED_BY = {
    Shell.BASH: "~/.local/share/bash-completion/completions/pipeline",
    Shell.ZSH: "~/.zfunc/_pipeline",
    Shell.FISH: "~/.config/fish/completions/pipeline.fish",
}
"""Where each shell looks for it (zsh: with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc)."""


def command(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
    as_json: Json = False,
) -> None:
    """Write a completion script to stdout; nothing of yours is changed.

    For this shell alone: eval "$(pipeline completion bash)". For all to come, write it where the
    shell looks (in docs/commands.md). Issue, plan and run ids are completed too.

    Example: pipeline completion bash
    """
    script = get_completion_script(prog_name="pipeline", complete_var=VARIABLE, shell=shell.value)
    if as_json:
        print_json({"shell": shell.value, "file": LOADED_BY[shell], "script": script})
    else:
        typer.echo(script)
