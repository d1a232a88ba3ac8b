"""Drive `pipeline review` in tmux and write what is on the screen into docs/captures/.

`python docs/make_captures.py` (tmux has to be installed). docs/review.md shows the same texts: what
stands between a `capture` mark and the next one is replaced by that capture. No escape sequence is
in them: they are what a person sees, without colours.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from tests.builders import GIT_ENVIRONMENT  # noqa: E402 - only the checkout has the tests
from tests.review.evening import usual  # noqa: E402
from tests.review.tmux import Screen  # noqa: E402

MARK = re.compile(r"(<!-- capture (\S+) -->\n)(?:(?:    .*)?\n)*?(?=<!-- end -->)")
HOME = {f"XDG_{kind}_HOME": kind.lower() for kind in ("CONFIG", "STATE", "CACHE", "DATA")}


def captures(folder: Path) -> dict[str, str]:
    """Return name -> screen, from one review at each size."""
    evening = usual(folder / "repo")
    root = str(evening.root)
    found: dict[str, str] = {}
    with Screen(folder, "review", "-C", root, size=(160, 50)) as screen:
        found["wide"] = screen.wait("1 of 4", "cost ", "q quit")
        screen.press("q")
        screen.exit_code()
    with Screen(folder, "review", "-C", root, size=(80, 24)) as screen:
        found["first"] = screen.wait("1 of 4", "cost ", "q quit")
        screen.press("Space")
        found["tasks"] = screen.wait("Parse the offset", "q quit")
        screen.press("i")
        found["issue"] = screen.wait("fails with a traceback")
        screen.press("i")
        screen.wait("Approach")
        screen.press("a")
        found["held"] = screen.wait("2 of 4", "held: approve", "q quit")
        screen.press("c")
        screen.wait("What should be different?")
        screen.type("keep reading the old formats for one more release")
        found["words"] = screen.wait("one more release")
        screen.press("Enter")
        found["escapes"] = screen.wait("3 of 4", "held: request changes", "q quit")
        screen.press("n")
        screen.wait("4 of 4", "q quit")
        screen.press("w")
        found["question"] = screen.wait("Question 1 of 2")
        screen.type("`list`, with 40,000 lines")
        screen.press("Enter")
        screen.wait("Question 2 of 2")
        screen.press("Enter")
        found["end"] = screen.wait("That was the last one.")
        screen.press("?")
        found["keys"] = screen.wait("Keys", "Ctrl-C")
        screen.press("q")
        screen.wait("That was the last one.")
        screen.press("q")
        screen.exit_code()
    return {name: trimmed(text) for name, text in found.items()}


def trimmed(text: str) -> str:
    """Return a screen without what nobody sees at the ends of its rows and below the last one."""
    rows = [line.rstrip() for line in text.splitlines()]
    return "\n".join(rows).rstrip("\n") + "\n"


def put(found: dict[str, str], folder: Path, page: Path) -> None:
    """Write each capture into a file of its own, and all of them into the page that shows them."""
    folder.mkdir(parents=True, exist_ok=True)
    for capture, text in found.items():
        (folder / f"{capture}.txt").write_text(text)

    def shown(mark: re.Match[str]) -> str:
        rows = found[mark[2]].rstrip("\n").split("\n")
        return mark[1] + "\n" + "\n".join(f"    {row}".rstrip() for row in rows) + "\n\n"

    page.write_text(MARK.sub(shown, page.read_text()))


def main() -> None:
    """Write the captures, and the page that shows them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(GIT_ENVIRONMENT | {k: str(folder / v) for k, v in HOME.items()})
        found = captures(folder)
    put(found, DOCS / "captures", DOCS / "review.md")


if __name__ == "__main__":
    main()
