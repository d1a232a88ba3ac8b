"""What commands print: one JSON document for programs, aligned text for people."""

from collections.abc import Sequence

import orjson
import typer

from pipeline.plans.sanitize import clean

GAP = "  "


def print_json(value: object) -> None:
    """Write one JSON document to stdout."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def print_text(text: str) -> None:
    """Write text for a person to stdout, without control characters."""
    typer.echo(clean(text).rstrip("\n"))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> None:
    """Write aligned columns; the last one is cut with an ellipsis where the terminal ends."""
    cells = [[clean(cell, one_line=True) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        fixed = GAP.join(cell.ljust(widths[i]) for i, cell in enumerate(row[:-1]))
        room = max(width - len(fixed) - len(GAP), 16)
        last = row[-1] if len(row[-1]) <= room else row[-1][: room - 1] + "…"
        typer.echo(f"{fixed}{GAP}{last}".rstrip() if fixed else last)
