"""The test suites of real projects, inside the execute profile and outside: the same result.

    python -m tests.suites.campaign [name ..]      needs the package indexes, npm and node

Each project of `rows.toml` is fetched from its index and made a repository. Its tests run in the
checkout as anybody would run them, then in a workspace under the execute profile. It prints how
many ended how, and each test that ended differently; then the exit code is 1.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline import git
from pipeline.execution.workspace import Workspaces
from pipeline.paths import Places, UserPlaces
from pipeline.sandbox import environment, find_sandbox
from tests.builders import GIT_ENVIRONMENT, make_repository

ROWS = Path(__file__).with_name("rows.toml")
SECONDS = 900
FETCH = {
    "pypi": "{python} -m pip download -q --no-deps --no-binary :all: {name}",
    "npm": "npm pack --silent {name}",
}
AT = re.compile(r"0x[0-9a-f]+")


@dataclass(frozen=True)
class Suite:
    """One project; what its fields mean stands in the table."""

    name: str
    kind: Literal["pypi", "npm"]
    fetch: str
    why: str
    install: tuple[str, ...]
    test: str
    results: str
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How one run of a suite ended."""

    exit_code: int
    tests: Counter[tuple[str, str]]
    """(how it ended, its name) -> how often; a name may be there twice."""
    output: str

    @property
    def counts(self) -> str:
        """Return how many tests ended how, in words."""
        found: Counter[str] = Counter()
        for (ended, _), times in self.tests.items():
            found[ended.lower()] += times
        told = ", ".join(f"{times} {ended}" for ended, times in sorted(found.items()))
        return f"exit {self.exit_code}, {told or 'no test'}"


SUITES: tuple[Suite, ...] = tuple(
    Suite(**row | {"install": tuple(row["install"]), "keep": tuple(row.get("keep", ()))})
    for row in tomllib.loads(ROWS.read_text("utf-8"))["project"]
)


def main() -> int:
    """Run the suites that are named, or all, and print what came of them."""
    os.environ.update(GIT_ENVIRONMENT)
    wanted = [one for one in SUITES if one.name in sys.argv[1:] or not sys.argv[1:]]
    same = [is_same(one) for one in wanted]
    return int(not all(same))


def is_same(one: Suite) -> bool:
    """Fetch, install and test one project; print the outcomes and what differs."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as base:
        root = fetched(one, Path(base))
        for command in one.install:
            subprocess.run(["bash", "-c", command], cwd=root, check=True, timeout=SECONDS)
        outside, inside = both(root, one)
    sys.stdout.write(f"{one.fetch} ({one.why})\n  outside: {outside.counts}\n")
    sys.stdout.write(f"  inside:  {inside.counts}\n")
    for line in differences(outside, inside):
        sys.stdout.write(f"    {line}\n")
    if not outside.tests or outside.exit_code != inside.exit_code:
        sys.stdout.write(inside.output[-4000:])
    sys.stdout.flush()
    return bool(outside.tests) and outside.tests == inside.tests


def fetched(one: Suite, base: Path) -> Path:
    """Return a repository of what the index holds, below `base`."""
    command = FETCH[one.kind].format(python=sys.executable, name=one.fetch)
    subprocess.run(["bash", "-c", command], cwd=base, check=True, timeout=SECONDS)
    (archive,) = (path for path in base.iterdir() if path.name.endswith((".tar.gz", ".tgz")))
    with tarfile.open(archive) as packed:
        packed.extractall(base / "unpacked", filter="data")
    (folder,) = (base / "unpacked").iterdir()
    root = folder.rename(base / "checkout")
    ignored = root / ".gitignore"
    ignored.write_text(
        f"{ignored.read_text() if ignored.is_file() else ''}\n.venv/\nnode_modules/\n"
    )
    return make_repository(root, {})


def both(root: Path, one: Suite) -> tuple[Outcome, Outcome]:
    """Run a suite in its checkout, then in a workspace; return both outcomes.

    Outside it has the same variables, so that only the walls differ.
    """
    repo, user = git.open_repository(root), root.parent / "user"
    places = Places(root, UserPlaces(user / "config", user / "state", user / "cache"), repo.git_dir)
    sandbox = find_sandbox("bwrap")
    workspace = Workspaces(repo, places, sandbox, one.keep).open("executor", git.head_commit(repo))
    with tempfile.TemporaryDirectory() as home:
        env = environment(workspace.jail) | {"HOME": home, "TMPDIR": home}
        bare = subprocess.run(
            ["bash", "-c", one.test], cwd=root, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False,
        )  # fmt: skip
    walled = sandbox.run(one.test, workspace.jail, "execute", timeout_s=SECONDS)
    return (
        outcome(bare.returncode, bare.stdout, one.results),
        outcome(walled.exit_code, walled.output, one.results),
    )


def outcome(exit_code: int, output: bytes, results: str) -> Outcome:
    """Read how each test ended from a suite's output."""
    text = output.decode("utf-8", "replace")
    found = re.findall(results, text, re.MULTILINE)
    return Outcome(exit_code, Counter((ended, AT.sub("0x", name)) for ended, name in found), text)


def differences(outside: Outcome, inside: Outcome) -> Iterator[str]:
    """Give a line for each test that ended in one way outside and in another inside."""
    for where, only in (
        ("outside", outside.tests - inside.tests),
        ("inside", inside.tests - outside.tests),
    ):
        for ended, name in sorted(only):
            yield f"only {where}: {ended} {name}"


if __name__ == "__main__":
    sys.exit(main())
