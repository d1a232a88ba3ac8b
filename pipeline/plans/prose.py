"""Text of others inside our Markdown: all of it shown, and nothing but text.

It can neither hide nor make headings, check boxes, images, links, fences or notes about revisions,
and lists are either right or shown as they were written.
"""

import re
from collections import defaultdict

from pipeline.plans.sanitize import clean

HTML = re.compile(r"<(?=[!/?A-Za-z])")
ENTITY = re.compile(r"&(?=#?\w{1,32};)")
MARKERS = r"^([ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)*)"
"""What may stand before a block in a line: the markers of the lists that it is in."""
LINE_START = re.compile(rf"(?m){MARKERS}(#|>|```|~~~|\[|=+[ \t]*$|-+[ \t]*$)")
UNSPACED = re.compile(rf"(?m){MARKERS}([-+](?=[A-Za-z`\[])|\*(?=[A-Za-z`\[][^*]*$))")
UNSPACED_NUMBER = re.compile(rf"(?m){MARKERS}(\d{{1,9}})([.)])(?=[A-Za-z`\[])")
BULLETS = re.compile(r"(?m)^[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+|[•‣◦▪●·][ \t]*)+")
BULLET = re.compile("[•‣◦▪●·][ \t]*")
NUMBERED = re.compile(r"(?m)^([ \t]*)(\d{1,9})([.)])(?=[ \t])")
NOTE = re.compile(r"(?mi)^([ \t]*[*_]{0,2}(?:revision|change) notes?[*_]{0,2}[ \t]*)([:(])")


def prose(text: str) -> str:
    """Return text of others as Markdown that is nothing but paragraphs and plain lists."""
    plain = ENTITY.sub("&amp;", clean(text).strip())
    plain = HTML.sub("&lt;", plain).replace("![", r"!\[").replace("](", r"]\(")
    plain = BULLETS.sub(lambda found: BULLET.sub("- ", found[0]), plain)
    plain = LINE_START.sub(r"\1\\\2", plain)
    plain = UNSPACED.sub(r"\1\\\2", plain)
    plain = UNSPACED_NUMBER.sub(r"\1\2\\\3", plain)
    plain = NOTE.sub(r"\1\\\2", plain)
    flat = "\n".join(line.lstrip() if line[:4].isspace() else line for line in plain.split("\n"))
    return flat if _counts_up(flat) else NUMBERED.sub(r"\1\2\\\3", flat)


def line_of(text: str) -> str:
    """Return text of others as one line of it."""
    return prose(clean(text, one_line=True))


def sentence(text: str) -> str:
    """Return text of others as one line that ends like a sentence; empty when there is none."""
    line = line_of(text)
    return line if line.endswith((".", "!", "?")) or not line else f"{line}."


def code(text: str) -> str:
    """Return text of others as an indented block, shown letter by letter."""
    return "\n".join(f"    {line}".rstrip() for line in clean(text).split("\n"))


def code_span(text: str) -> str:
    """Return text of others as code inside a line, shown letter by letter."""
    plain = clean(text, one_line=True)
    fence = "`" * (1 + max((len(found) for found in re.findall("`+", plain)), default=0))
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def _counts_up(text: str) -> bool:
    """Tell whether numbered lines make lists that begin at 1 and count up, whatever is around."""
    last: defaultdict[str, int] = defaultdict(int)
    for found in NUMBERED.finditer(text):
        indent, number = found[1], int(found[2])
        if number not in (1, last[indent] + 1) or len(indent) not in (0, 3) or number > 9:
            return False
        last[indent] = number
    return True
