"""One line of text from a person, at the foot of the screen."""

from collections.abc import Sequence

from pipeline.cli.review_page import bar, fitted
from pipeline.cli.terminal import Terminal
from pipeline.plans.layout import Block, cells, cut, layout
from pipeline.plans.sanitize import clean


def ask(terminal: Terminal, question: str, *, above: Sequence[str] = ()) -> str | None:
    """Return what was typed, without white space at its ends; None after Esc.

    `above` is what is on the screen; as much of it as there is room for stays.
    """
    typed = ""
    while True:
        _draw(terminal, question, typed, above)
        key = terminal.key()
        if key == "enter":
            return typed.strip()
        if key in ("escape", "eof"):
            return None
        if key == "resize":
            above = ()
        elif key == "clear":
            typed = ""
        elif key == "backspace":
            typed = typed[:-1]
        elif key == "space":
            typed += " "
        elif key.startswith("paste:"):
            typed += clean(key.removeprefix("paste:"), one_line=True)
        elif len(key) == 1:
            typed += key


def _draw(terminal: Terminal, question: str, typed: str, above: Sequence[str]) -> None:
    columns, lines = terminal.size
    asked = [f" {row.text}" for row in fitted(layout([Block(question)], columns - 2), columns - 2)]
    rows: list[str] = []
    rest = f"> {typed}"
    while rest or not rows:
        row, rest = cut(rest, columns - 3)
        rows.append(f" {row}")
    room = lines - 2
    foot = [bar("your words", "", columns), *asked[: max(room - len(rows), 1)], *rows[-room:]]
    kept = list(above[: max(lines - len(foot), 0)])
    at = (min(cells(rows[-1]), columns - 1), len(kept) + len(foot) - 1)
    terminal.paint([*kept, *foot], cursor=at)
