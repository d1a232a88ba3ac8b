"""How checks are shown: what was found, and below it the command that mends it."""

import shutil
import sys
import textwrap

import typer

from pipeline.app.check import Check
from pipeline.plans.sanitize import clean

NAME_WIDTH = 14


def print_check(check: Check) -> None:
    """Write one check; what mends it only where it has to be mended."""
    mend = None if check.good else check.mend
    print_row(check.name, check.found, mend=mend, good=check.good)


def print_row(name: str, found: str, *, mend: str | None = None, good: bool | None = None) -> None:
    """Write a name and what was found; `good` None: it follows from whether there is a `mend`."""
    sign = "ok " if (mend is None if good is None else good) else "fix"
    _write(f"{sign}  {name:<{NAME_WIDTH}} ", found)
    if mend is not None:
        _write(f"     {'':<{NAME_WIDTH}} -> ", mend)


def _write(head: str, text: str) -> None:
    """Write a text behind its head; a terminal gets it in lines of its width, below each other."""
    line = head + clean(text, one_line=True)
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else len(line)
    below = " " * len(head)
    for part in textwrap.wrap(
        line,
        max(room, 2 * len(head)),
        subsequent_indent=below,
        break_on_hyphens=False,
        break_long_words=False,
    ):
        typer.echo(part)
