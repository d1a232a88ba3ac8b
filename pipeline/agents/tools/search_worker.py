"""The process behind `search`: reads one JSON request from stdin, writes hits as it finds them.

Standard library only, so that it starts in a few milliseconds and needs nothing installed.
"""

import json
import os
import re
import sys
from collections.abc import Iterator

MOST_BYTES = 4 * 2**20
LINE_CHARS = 300
CAPPED = 3
KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
KEY_LINE = re.compile(r"[\s\"',+]*[A-Za-z0-9+/=]{16,}[\s\"',+]*(?:\\n.*)?")
HIDDEN = "[a secret was here]"


def main() -> int:
    """Search, and return 0, or 3 when the number of hits reached its limit."""
    wanted = json.load(sys.stdin.buffer)
    pattern, left = re.compile(wanted["pattern"]), int(wanted["most"])
    out = sys.stdout.buffer
    for name in wanted["names"]:
        shown = "/".join(part for part in (wanted["shown"], name) if part)
        path = "/".join(part for part in (wanted["base"], name) if part)
        for number, line in lines(path):
            if pattern.search(line) is None:
                continue
            text = line[:LINE_CHARS] + (" [...]" if len(line) > LINE_CHARS else "")
            out.write(f"{shown}:{number}: {text}\n".encode("utf-8", "replace"))
            left -= 1
            if left == 0:
                return CAPPED
        out.flush()
    return 0


def lines(path: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines of a text file; nothing of a binary, huge or vanished one.

    A line of a private key shows nothing of what it is: none of it is found.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES or b"\0" in content[:8192]:
        return
    inside = False
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        inside = inside and KEY_LINE.fullmatch(line) is not None
        yield number, HIDDEN if inside else line
        inside = inside or KEY_BEGINS.search(line) is not None


if __name__ == "__main__":
    raise SystemExit(main())
