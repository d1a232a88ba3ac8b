"""Takes out one thing after the other, in a copy, and prints which test noticed.

    python -m tests.mutations [WORDS]      only places whose description has WORDS

First the tests pass on the copy as it is. Exits 1 when something is not noticed, or is not there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chosen import something
from tests.mutations.mutation import Mutation, NotThere
from tests.mutations.places import MUTATIONS

ROOT = Path(__file__).parents[2]
COPIED = ("pipeline", "prompts", "specs", "tests", "pyproject.toml")
PATIENCE_S = 1800
FAILED = 1
"""pytest's exit code for tests that failed; others mean that they could not be run."""


@dataclass(frozen=True)
class Noticed:
    """What came of one."""

    by: str | None
    """The test; None: nobody noticed."""
    seconds: float


def main(words: list[str]) -> int:
    """Try the mutations and say what came of each; return the exit code."""
    wanted = [one for one in MUTATIONS if all(word in f"{one.file} {one.gone}" for word in words)]
    chosen = something(wanted, "place")
    survived = 0
    with tempfile.TemporaryDirectory(prefix="pipeline-mutations-") as folder:
        copy = Path(folder)
        make_copy(copy)
        print(f"{len(chosen)} places; first their tests on the code as it is", flush=True)
        if broken := failing(copy, sorted({test for one in chosen for test in one.tests})):
            print(f"they do not pass: {', '.join(broken)}")
            return 1
        for number, one in enumerate(chosen, start=1):
            found = try_one(copy, one)
            survived += found.by is None
            seen = found.by or "NOBODY NOTICED"
            place = f"{one.kind:<5} {one.gone} ({one.file})"
            print(f"{number:>2} {found.seconds:5.1f} s  {place}\n             {seen}", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} were noticed")
    return 1 if survived else 0


def make_copy(copy: Path) -> None:
    """Copy the code and its tests, without what Python has compiled."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=ignore)
        else:
            shutil.copy(source, copy / name)


def try_one(copy: Path, one: Mutation) -> Noticed:
    """Take it out, run its tests, put it back."""
    place = copy / one.file
    whole = one.source(copy)
    try:
        place.write_text(one.mutated(copy))
    except NotThere as error:
        print(error)
        return Noticed(None, 0.0)
    try:
        failed, seconds = run_tests(copy, one.tests, "-x", "-n", "0")
    finally:
        place.write_text(whole)
    return Noticed(failed[0] if failed else None, seconds)


def failing(copy: Path, tests: Sequence[str]) -> list[str]:
    """Return which tests fail on the code as it is, also when they have the machine alone."""
    for workers in (2, 0):
        tests, _ = run_tests(copy, tests, "-n", str(workers)) if tests else ([], 0.0)
    return list(tests)


def run_tests(copy: Path, tests: Sequence[str], *options: str) -> tuple[list[str], float]:
    """Run tests in the copy, on the copy's code; return those that fail, and the seconds."""
    env = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", *options]
    began = time.monotonic()
    done = subprocess.run(
        [*words, *tests],
        cwd=copy,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if done.returncode != (FAILED if told else 0):
        raise SystemExit(f"the tests cannot be run:\n{done.stdout[-3000:]}")
    return [line.split(" ")[1] for line in told], time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
