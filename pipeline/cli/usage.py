"""The help of a command, in the form of manual pages: `NAME`, `[NAME]`, `NAME...`.

The parser writes brackets or braces around whatever an argument is called, and behind it the name
of its type in Python; and it cuts what a group says of its commands.
"""

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

MANY = "..."
WHOLE = 1000
"""So many characters of a command's first sentence are shown in the help of its group: all."""


class PlainUsage(TyperCommand):
    """A command whose help says `[ISSUE]...` for an argument that is called `[ISSUE...]` below."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the pieces of the line behind the command's name."""
        return [_plain(piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what arguments and options mean; an argument as the line `Usage` has it."""
        options = []
        arguments = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and param.param_type_name == "argument":
                arguments.append((_plain(*param.get_usage_pieces(ctx)), record[1]))
            elif record is not None:
                options.append(record)
        for heading, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


class PlainGroup(TyperGroup):
    """A command with commands below it, of which its help says a whole sentence each."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands below this one."""
        rows = [(name, one.get_short_help_str(WHOLE)) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _plain(piece: str) -> str:
    name = re.sub(r"^[\[{]+|[\]}.]+$", "", piece)
    many = MANY if piece.endswith(MANY) else ""
    return f"{name}{many}" if piece.startswith("{") else f"[{name}]{many}"
