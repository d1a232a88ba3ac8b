"""`pipeline rehearse` at full size: all faults on the demo's backlog, in each sandbox.

    python -m tests.rehearsal.campaign [WORDS]

WORDS: only rehearsals with these in their command. A line for each; exit code 1 when a fault was
not met, something was lost or changed, a folder was left, or one took two minutes.
"""

import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import orjson

from pipeline.cli.entry import run
from pipeline.rehearsal.demo import TEST_COMMAND, demo_backlog, make_demo_repository
from pipeline.rehearsal.night import NIGHT_FAULTS
from tests.e2e.test_rehearse import everything
from tests.surroundings import own_surroundings

LONGEST_S = 120.0
WORDS: tuple[tuple[str, ...], ...] = (
    (),
    ("--fault", "all", "--issues", "1"),
    ("--unattended", "--auto-approve", "LOW"),
    ("--fault", "all", "--sandbox", "landlock"),
    ("--fault", "all", "--sandbox", "none"),
    ("--fault", "none"),
    *(("--fault", name) for name in NIGHT_FAULTS),
)


def prepare(root: Path) -> None:
    """Make the demo's repository with its backlog, as a person would."""
    make_demo_repository(root)
    backlog = root.parent / "backlog.jsonl"
    backlog.write_text(demo_backlog())
    with redirect_stdout(io.StringIO()):
        assert run(["init", "--yes", "-C", str(root)]) == 0
        assert run(["import", "--jsonl", str(backlog), "-C", str(root)]) == 0
    (root / ".workflow" / "config.toml").write_text(f'tests.command = "{TEST_COMMAND}"\n')


def problems(root: Path, words: tuple[str, ...]) -> Iterator[str]:
    """Rehearse and yield what is wrong."""
    before, began = everything(root), time.monotonic()
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["rehearse", *words, "--json", "-C", str(root)])
    seconds = time.monotonic() - began
    if not out.getvalue():
        yield f"exit {code}: {err.getvalue().strip()}"
        return
    told = orjson.loads(out.getvalue())
    unmet = [one["fault"] for one in told["faults"] if not one["struck"]]
    if code or unmet or told["lost"] or told["left"]:
        yield f"exit {code}, not met {unmet}, lost {told['lost']}, left {told['left']}"
    after = everything(root)
    changed = [path for path in before | after if before.get(path) != after.get(path)]
    if changed:
        yield f"changed: {', '.join(str(path.relative_to(root)) for path in changed)}"
    if found := [path.name for path in Path(tempfile.gettempdir()).glob("pipeline-rehearsal-*")]:
        yield f"left over: {', '.join(found)}"
    if seconds > LONGEST_S:
        yield f"it took {seconds:.0f} s"
    met = sum(bool(one["struck"]) for one in told["faults"])
    say(f"{' '.join(words) or 'as it is':<36} {met} met, {told['landed']} landed, {seconds:5.1f} s")


def say(text: str) -> None:
    """Tell the person who waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run all of it and return the exit code."""
    failures = 0
    chosen = [words for words in WORDS if " ".join(sys.argv[1:]) in " ".join(words)]
    with tempfile.TemporaryDirectory(prefix="rehearsals-") as name:
        folder = Path(name)
        with own_surroundings(folder / "user"):
            os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
            (folder / "tmp").mkdir()
            prepare(folder / "repo")
            for words in chosen:
                for problem in problems(folder / "repo", words):
                    failures += 1
                    say(f"WRONG {' '.join(words)}: {problem}")
    say(f"{len(chosen)} rehearsals, {failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
