"""How checks are shown: what was found, and below it the command that mends it."""

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
    typer.echo(f"{sign}  {name:<{NAME_WIDTH}} {clean(found, one_line=True)}")
    if mend is not None:
        typer.echo(f"     {'':<{NAME_WIDTH}} -> {clean(mend, one_line=True)}")
