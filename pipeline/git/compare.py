"""What lies between two trees, object by object: modes, sizes, contents."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.git.program import Repository, fields, run
from pipeline.git.read import tree_of

GONE = "000000"
LINK = "120000"


@dataclass(frozen=True)
class BlobChange:
    """One path whose object or mode differs between two trees."""

    path: str
    old_mode: str
    """git's mode, such as `100644`; `GONE`: it is not there."""
    new_mode: str
    old: str | None
    """The object's id; None: it is not there, or is a submodule's commit."""
    new: str | None


def changed_blobs(repo: Repository, old: str, new: str) -> list[BlobChange]:
    """Return what differs between two commits or trees, in git's order; a rename is two of them."""
    words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev")
    parts = fields(run(repo, *words, tree_of(repo, old), tree_of(repo, new)).output)
    rows = zip(parts[::2], parts[1::2], strict=True)
    return [_change(facts.lstrip(":").split(" "), path) for facts, path in rows]


def renames(repo: Repository, old: str, new: str) -> dict[str, str]:
    """Return new path -> the path whose content it took over, between two commits or trees."""
    words = ("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status")
    parts = fields(run(repo, *words, tree_of(repo, old), tree_of(repo, new)).output)
    return {parts[at + 2]: parts[at + 1] for at in range(0, len(parts) - 2, 3)}


def _change(facts: list[str], path: str) -> BlobChange:
    old_mode, new_mode, old, new, _ = facts
    return BlobChange(path, old_mode, new_mode, _blob(old_mode, old), _blob(new_mode, new))


def _blob(mode: str, oid: str) -> str | None:
    return oid if mode.startswith(("100", "120")) else None


def blob_sizes(repo: Repository, blobs: Iterable[str]) -> dict[str, int]:
    """Return object id -> bytes, of the objects that are there. One process for all."""
    wanted = "".join(f"{blob}\n" for blob in dict.fromkeys(blobs)).encode()
    if not wanted:
        return {}
    done = run(repo, "cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=wanted)
    rows = (line.split() for line in done.output.decode().splitlines())
    return {row[0]: int(row[1]) for row in rows if row[1].isdigit()}


def read_blobs(repo: Repository, blobs: Iterable[str], largest: int) -> dict[str, bytes]:
    """Return object id -> content, of those of at most `largest` bytes and no more than 64 of it
    together."""
    left, wanted = 64 * largest, []
    for blob, size in blob_sizes(repo, blobs).items():
        if size <= min(largest, left):
            wanted.append(blob)
            left -= size
    if not wanted:
        return {}
    done = run(repo, "cat-file", "--batch", stdin="".join(f"{one}\n" for one in wanted).encode())
    return dict(_contents(done.output))


def _contents(output: bytes) -> Iterable[tuple[str, bytes]]:
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        oid, _, size = output[at:end].decode().split(" ")
        at = end + 1 + int(size)
        yield oid, output[end + 1 : at]
        at += 1
