"""What commands print: one JSON document for programs, aligned text for people."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import typer

from pipeline.errors import cannot_write
from pipeline.plans.sanitize import clean
from pipeline.store.files import write_atomic

GAP = "  "


def print_json(value: object) -> None:
    """Write one JSON document to stdout."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def print_text(text: str) -> None:
    """Write text for a person to stdout, without control characters."""
    typer.echo(clean(text).rstrip("\n"))


def write_text(path: Path, text: str) -> None:
    """Replace a file by `text`, whole or not at all; a device or a pipe is written to.

    A rename would put a plain file in the place of `/dev/null`. `DiskProblem` when it fails.
    """
    if not path.exists() or path.is_file():
        write_atomic(path.absolute(), text.encode())
        return
    try:
        path.write_text(text)
    except OSError as error:
        raise cannot_write(path, error) from error


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> None:
    """Write aligned columns; the last one is cut with an ellipsis where the terminal ends."""
    cells = [[clean(cell, one_line=True) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        fixed = GAP.join(cell.ljust(widths[i]) for i, cell in enumerate(row[:-1]))
        room = max(width - len(fixed) - len(GAP), 16)
        last = row[-1] if len(row[-1]) <= room else row[-1][: room - 1] + "…"
        typer.echo(f"{fixed}{GAP}{last}".rstrip() if fixed else last)
