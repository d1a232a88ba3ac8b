"""How soon a workspace of a huge repository is ready, against a plain clone of it.

    python -m bench.workspace [--files 100000] [--pairs 5] [--base FOLDER] [--check]

Each pair makes `git -c checkout.workers=2 clone --shared` and a new workspace of the same commit,
one after the other, and a ratio is taken of each. The median of the ratios counts. In `/dev/shm`
unless told: on a disk that others use the same clone takes one time or ten. With `--check` it exits
1 when the ratio is over the limit.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline import git
from pipeline.execution.toolchains import Toolchains
from pipeline.execution.workspace import Workspaces
from pipeline.paths import Places, UserPlaces
from pipeline.sandbox import find_sandbox

LIMIT = 1.2
WORKERS = ("-c", "checkout.workers=2")
PER_FOLDER = 100


def main() -> int:
    """Measure, print, and compare with the limit where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--base", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.base) as folder:
        root = make_huge(Path(folder, "checkout"), given.files)
        median = statistics.median(pairs(root, given.pairs))
    sys.stdout.write(f"median ratio {median:.2f} (limit {LIMIT})\n")
    return int(given.check and median > LIMIT)


def pairs(root: Path, count: int) -> Iterator[float]:
    """Print and give, for each pair, the workspace's time over the clone's."""
    clone, workspaces = root.with_name("clone"), workspaces_of(root)
    words = ["git", *WORKERS, "clone", "-q", "--shared", str(root), str(clone)]
    head = git.head_commit(git.open_repository(root))
    for _ in range(count):
        plain = seconds(lambda: subprocess.run(words, check=True))
        made = seconds(lambda: workspaces.open("executor", head))
        again = seconds(lambda: workspaces.open("executor", head))
        sys.stdout.write(
            f"clone {plain:.2f} s, workspace {made:.2f} s, cleaned again {again:.2f} s, "
            f"ratio {made / plain:.2f}\n"
        )
        yield made / plain
        shutil.rmtree(clone)
        shutil.rmtree(workspaces.path("executor").parent)


def seconds(thing: Callable[[], object]) -> float:
    """Return how long a thing takes."""
    begun = time.perf_counter()
    thing()
    return time.perf_counter() - begun


def make_huge(root: Path, files: int) -> Path:
    """Make a repository of so many small files, checked out."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    lines = [
        b"commit refs/heads/main\ncommitter b <b@example.invalid> 1700000000 +0000\ndata 1\nx\n"
    ]
    for number in range(files):
        text = f"VALUE_{number} = {number}\n".encode() * 20
        name = f"{number // PER_FOLDER**2}/{number // PER_FOLDER % PER_FOLDER}/{number}.py"
        lines.append(b"M 100644 inline %b\ndata %d\n%b\n" % (name.encode(), len(text), text))
    given = b"".join(lines)
    subprocess.run(["git", "-C", str(root), "fast-import", "--quiet"], input=given, check=True)
    subprocess.run(["git", "-C", str(root), *WORKERS, "reset", "-q", "--hard"], check=True)
    return root


def workspaces_of(root: Path) -> Workspaces:
    """Return what makes workspaces of a checkout, with the user's folders beside it."""
    repo, user = git.open_repository(root), root.with_name("user")
    places = Places(root, UserPlaces(user / "config", user / "state", user / "cache"), repo.git_dir)
    return Workspaces(repo, places, find_sandbox("bwrap"), toolchains=Toolchains())


if __name__ == "__main__":
    sys.exit(main())
