"""`pipeline rehearse`: what it plays is real, and nothing of the user's is changed by it.

The whole, with every fault: `make rehearse` (tests/rehearsal/campaign.py).
"""

import io
import os
from contextlib import redirect_stdout
from pathlib import Path

import orjson

from pipeline.cli.entry import run
from tests.builders import make_repository
from tests.e2e.night import PROJECT, TEST_COMMAND

CONFIG = f"""\
planner.provider = "openai"
executor.provider = "openai"
tests.command = "{TEST_COMMAND}"
"""


def everything(*folders: Path) -> dict[Path, tuple[int, int, bytes]]:
    """Return every file and folder: its mode, when it was last changed, and what is in it."""
    found = {}
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[path] = (status.st_mode, status.st_mtime_ns, content)
    return found


def rehearse(root: Path, *words: str) -> tuple[int, dict[str, object]]:
    """Rehearse in this process; return the exit code and the document."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = run(["rehearse", *words, "--json", "-C", str(root)])
    return code, orjson.loads(out.getvalue())


def test_a_killed_run_goes_on_and_nothing_of_the_users_is_touched(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", PROJECT)
    assert run(["init", "--yes", "-C", str(root)]) == 0
    (root / ".workflow" / "config.toml").write_text(CONFIG)
    for words in (["one, in app.py", "--id", "ISS-1"], ["two", "--id", "ISS-2"]):
        assert run(["add", *words, "-C", str(root)]) == 0
    users = [Path(os.environ[f"XDG_{kind}_HOME"]) for kind in ("CONFIG", "STATE", "CACHE")]
    before = everything(root, *(folder for folder in users if folder.exists()))

    code, told = rehearse(root, "--fault", "crash", "--issues", "1")

    assert everything(root, *(folder for folder in users if folder.exists())) == before
    assert (code, told["lost"], told["left"]) == (0, [], [])
    assert (told["issues"], told["landed"]) == (1, 1)
    assert told["commands"] == [
        "pipeline plan: exit 3",
        "pipeline run: exit 137",
        "pipeline run: exit 0",
    ]
    (crash,) = told["faults"]  # type: ignore[misc]
    assert crash["struck"] == "executing ISS-1, call 3"  # type: ignore[has-type]
    assert "kept the unfinished work aside" in crash["did"]  # type: ignore[has-type]
    assert (crash["calls"], crash["processes"]) == (3, 1)  # type: ignore[has-type]
