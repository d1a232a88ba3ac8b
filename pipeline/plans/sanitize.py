"""Text that others wrote, made safe to show: nothing invisible, nothing that steers a terminal."""

import re
import unicodedata

ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS
    r"|\x1b[ -/]*[0-~]?"
)
LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control, format (bidi, zero width, tags), surrogates, separators of lines and paragraphs."""

INVISIBLE = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
)
"""Characters of other categories that show nothing: fillers, joiners, variation selectors."""


def clean(text: str, *, one_line: bool = False) -> str:
    """Return `text` without control, bidi and zero-width characters and terminal escapes.

    Tabs and line ends stay (as `\\n`), or all white space becomes one space with `one_line`.
    """
    if text.isascii() and text.isprintable():  # nearly every text is one such line
        return " ".join(text.split()) if one_line else text
    plain = LINE_ENDS.sub("\n", ESCAPES.sub("", text))
    hidden = [ord(char) for char in set(plain) if char not in "\n\t" and _hidden(char)]
    shown = plain.translate(dict.fromkeys(hidden)) if hidden else plain
    return " ".join(shown.split()) if one_line else shown


def _hidden(char: str) -> bool:
    return unicodedata.category(char) in HIDDEN_CATEGORIES or ord(char) in INVISIBLE
