"""Watch one night in tmux at two sizes, and as plain lines, and write what is on the screen.

`python docs/watching_captures.py` (tmux has to be installed) writes docs/captures/watching/ and
puts the same texts into docs/watching.md. Taken again they are the same (docs/settled.py), as long
as the program says the same: nothing in them is written by hand.
"""

import os
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from docs.make_captures import HOME, put, trimmed  # noqa: E402 - only the checkout has docs
from docs.settled import settled  # noqa: E402
from tests.builders import GIT_ENVIRONMENT  # noqa: E402
from tests.e2e.live import live  # noqa: E402
from tests.e2e.night import Night  # noqa: E402
from tests.observe.watched import SPENT, THINKS, WORKS, Held, fill, script  # noqa: E402
from tests.review.tmux import Screen  # noqa: E402

SIZES = {"narrow": (80, 24), "wide": (160, 30)}
LEFT = "waiting for a decision: SOL-ISS-2-1"
"""What the run says of the plan that is left, between two decisions."""
RUN = ("run", "--wait-gate", "1h", "--wait-quota", "3h")


def screens(folder: Path, name: str, size: tuple[int, int]) -> dict[str, str]:
    """Return moment -> screen of one night, watched at `size`."""
    held, found = Held(THINKS, WORKS, quota=SPENT), {}
    with Night(folder / "repo", script(), faults=held) as night:
        fill(night)
        root = str(night.root)
        environ = night.settings() | {"CI": ""}
        with Screen(folder, *RUN, "-C", root, size=size, environ=environ) as screen:
            found["planning"] = screen.wait("ISS-1-1", "(call 2): thinks", "left:")
            held.let_go(THINKS)
            found["gate"] = screen.wait("gate on", "3 plans wait for you", gone="planner   ISS")
            night.run("approve", "SOL-ISS-1-1", "SOL-ISS-3-1")
            screen.wait(LEFT)
            night.run("reject", "SOL-ISS-2-1", "--reason", "the dash belongs to the word")
            found["executing"] = screen.wait("task 2 of 2", "(call 3): thinks", "left:")
            status = Screen(folder, "status", "--watch", "-C", root, size=size, environ=environ)
            with status as other:
                found["status"] = other.wait("task 2 of 2")
            held.let_go(WORKS)
            found["quota"] = screen.wait("waits for the quota of", "left:", "   waits\n")
            screen.press("C-c")
            assert screen.exit_code() == 130
            found["stopped"] = screen.text()
        with Screen(folder, "run", "-C", root, size=size, environ=environ) as screen:
            screen.exit_code()
            found["end"] = screen.wait("the whole report")
    return settled({f"{moment}-{name}": trimmed(text) for moment, text in found.items()})


def lines(folder: Path) -> str:
    """Return the same night as plain lines."""
    held = Held(quota=SPENT)
    with Night(folder / "repo", script(), faults=held) as night:
        fill(night)
        with live(night, *RUN) as run:
            run.until("waits for decisions")
            night.run("approve", "SOL-ISS-1-1", "SOL-ISS-3-1")
            run.until(LEFT)
            night.run("reject", "SOL-ISS-2-1", "--reason", "the dash belongs to the word")
            run.until("used up until")
            run.process.send_signal(2)
            return settled({"plain": trimmed(run.ended().err)})["plain"]


def main() -> None:
    """Write the captures, and the page that shows them."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        for kind, size in SIZES.items():
            folder = Path(name) / kind
            folder.mkdir()
            os.environ.update(GIT_ENVIRONMENT | {k: str(folder / v) for k, v in HOME.items()})
            found |= screens(folder, kind, size)
        folder = Path(name) / "plain"
        folder.mkdir()
        os.environ.update({k: str(folder / v) for k, v in HOME.items()})
        found["plain"] = lines(folder)
    put(found, DOCS / "captures" / "watching", DOCS / "watching.md")


if __name__ == "__main__":
    main()
