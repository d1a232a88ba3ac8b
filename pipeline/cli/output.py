"""What commands print: one JSON document for programs, aligned text for people."""

from collections.abc import Sequence

import orjson
import typer

from pipeline.plans.sanitize import clean

GAP = "  "
INDENT = "    "
ROOM = 24
"""With fewer characters the last column of a table says nothing."""


def print_json(value: object) -> None:
    """Write one JSON document to stdout."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def print_text(text: str) -> None:
    """Write text for a person to stdout, without control characters."""
    typer.echo(clean(text).rstrip("\n"))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> None:
    """Write aligned columns, as wide as what is in them.

    The last one is cut with an ellipsis where the terminal ends; where the others leave it less
    than `ROOM` it goes below them, in a line of its own. So no id is cut.
    """
    cells = [[clean(cell, one_line=True) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head) - 1)]
    before = sum(widths) + len(GAP) * len(widths)
    is_below = before > 0 and width - before < min(ROOM, max(len(row[-1]) for row in cells))
    for row in cells:
        fixed = GAP.join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=False))
        last = _cut(row[-1], max(width - (len(INDENT) if is_below else before), 1))
        if is_below:
            typer.echo(fixed.rstrip())
            if last:
                typer.echo(f"{INDENT}{last}")
        else:
            typer.echo(f"{fixed}{GAP}{last}".rstrip() if fixed else last)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
