"""The commented `config.toml` that `init` writes: every default, and what is decided already."""

import json
import re

from pipeline.settings import default_config

SECTION = re.compile(r"\[(?P<name>\w+)\]")
LINE = re.compile(r"# (?P<key>\w+) = (?P<value>.*?)(?P<gap>\s*)(?P<note>#.*)?")
COLUMN = 34
"""Where the template's comments begin."""
NOTED = {"tests.command"}
DETECTED = "# detected; remove the first # to keep it"
"""Said of the keys in `NOTED`."""


def first_config(decided: dict[str, object], detected: dict[str, object]) -> str:
    """Return the file's text.

    `decided`: dotted key -> value, these lines hold; `detected`: these stay comments, and show the
    value that holds as long as they do. A key that the template does not show is an error.
    """
    left, section, lines = dict.fromkeys((*decided, *detected)), "", []
    for line in default_config().splitlines():
        if head := SECTION.match(line):
            section = head["name"]
        found = LINE.fullmatch(line)
        key = f"{section}.{found['key']}" if found else ""
        if found is None or key not in left:
            lines.append(line)
            continue
        del left[key]
        shown = f"{found['key']} = {_toml((decided | detected)[key])}"
        shown = shown if key in decided else f"# {shown}"
        note = DETECTED if key in NOTED and key in detected else found["note"] or ""
        lines.append(f"{f'{shown}  ':<{COLUMN}}{note}".rstrip())
    assert not left, f"the template does not show {left}"
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """Return a text, a number or a truth value as TOML; JSON's text is TOML's basic string."""
    return json.dumps(value, ensure_ascii=True) if isinstance(value, str) else str(value).lower()
