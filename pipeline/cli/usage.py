"""The line `Usage: ...` of a command, in the form of manual pages: `NAME`, `[NAME]`, `NAME...`."""

import re
from typing import Any

from typer.core import TyperCommand

MANY = "..."


class PlainUsage(TyperCommand):
    """A command whose help says `[ISSUE]...` for an argument that is called `[ISSUE...]` below.

    The parser writes brackets or braces around whatever an argument is called.
    """

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the pieces of the line behind the command's name."""
        return [_plain(piece) for piece in super().collect_usage_pieces(ctx)]


def _plain(piece: str) -> str:
    name = re.sub(r"^[\[{]+|[\]}.]+$", "", piece)
    many = MANY if piece.endswith(MANY) else ""
    return f"{name}{many}" if piece.startswith("{") else f"[{name}]{many}"
