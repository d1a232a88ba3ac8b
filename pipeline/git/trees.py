"""Which object lies at a path of a commit, asked of one git process that stays open.

A question costs some microseconds instead of a process; a decision asks four, a batch of them
hundreds. Trees are walked by their object ids, so that no path is read as a revision; a submodule
is found as the commit that its tree names.
"""

import re
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable

from pipeline import proc
from pipeline.git.program import GitError, Repository, environment, safe

KEPT_TREES = 512
WORDS = ("cat-file", "-z", "--batch")
_HEAD = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) ([a-z]+) ([0-9]+)\n")
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NO_NAME = re.compile(r"[\n\0]|^\^")

Entries = dict[bytes, tuple[str, str]]
"""Name -> git's mode and object id, of one folder."""


class Trees:
    """Answers from one repository's objects; the process starts with the first question."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._guard = threading.Lock()  # protects the process and what is kept
        self._process: proc.Conversation | None = None
        self._kept: OrderedDict[str, Entries] = OrderedDict()
        self._roots: dict[str, str] = {}
        """Commit -> its tree: neither changes, nor goes away while a command lasts."""

    def commit(self, name: str) -> str | None:
        """Return the commit that an id or a full ref name stands for, or None."""
        with self._guard:
            if name in self._roots:
                return name
            found = self._ask(f"{name}^{{commit}}")
        return found[0] if found else None

    def blobs_at(self, commit: str, paths: Iterable[str]) -> dict[str, str | None]:
        """Return for each path its object id at `commit`, None for what is not there.

        Raises `GitError` when there is no such commit.
        """
        found = self._found_at(commit, paths)
        return {path: entry[1] if entry else None for path, entry in found.items()}

    def modes_at(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """Return git's mode (`100644`, `40000` for a folder) of each path that is there.

        Raises `GitError` when there is no such commit.
        """
        found = self._found_at(commit, paths)
        return {path: entry[0] for path, entry in found.items() if entry}

    def _found_at(self, commit: str, paths: Iterable[str]) -> dict[str, tuple[str, str] | None]:
        with self._guard:
            root = self._roots.get(commit) or self._root(commit)
            return {path: self._find(root, path) for path in paths}

    def _root(self, commit: str) -> str:
        """Return the id of a commit's tree, and keep it where the commit is named by its id."""
        found = self._ask(f"{commit}^{{commit}}^{{tree}}")
        if found is None or found[1] != b"tree":
            raise GitError(f"{commit!r} is no commit of {str(self._repo.root)!r}")
        if _ID.fullmatch(commit):
            self._roots[commit] = found[0]
            if len(self._roots) > KEPT_TREES:
                del self._roots[next(iter(self._roots))]
        return found[0]

    def _find(self, tree: str, path: str) -> tuple[str, str] | None:
        *folders, name = path.rstrip("/").encode("utf-8", "surrogateescape").split(b"/")
        place = tree
        for folder in folders:
            entry = self._entries(place).get(folder)
            if entry is None:
                return None
            place = entry[1]
        return self._entries(place).get(name)

    def _entries(self, tree: str) -> Entries:
        """Return what a tree holds; nothing for an object that is no tree, or is not here."""
        if tree in self._kept:
            self._kept.move_to_end(tree)
            return self._kept[tree]
        found = self._ask(tree)
        entries = _parsed(found[2], len(tree) // 2) if found and found[1] == b"tree" else {}
        self._kept[tree] = entries
        if len(self._kept) > KEPT_TREES:
            self._kept.popitem(last=False)
        return entries

    def _ask(self, name: str) -> tuple[str, bytes, bytes] | None:
        """Return id, type and content of an object, or None when there is none."""
        if _NO_NAME.search(name):
            return None
        process = self._running()
        process.send(name.encode("utf-8", "surrogateescape") + b"\0")
        head = process.line()
        found = _HEAD.fullmatch(head)
        if found is None:
            if head.endswith((b" missing\n", b" ambiguous\n")):
                return None
            self._process = None
            raise GitError(f"git cat-file in {str(self._repo.root)!r} ended: {head.decode()!r}")
        content = process.exactly(int(found[3]) + 1)[:-1]
        return found[1].decode(), found[2], content

    def _running(self) -> proc.Conversation:
        if self._process is None or not self._process.is_alive:
            env = environment() | {"GIT_DIR": str(self._repo.git_dir)}
            self._process = proc.Conversation(safe(WORDS), cwd=self._repo.git_dir, env=env)
            weakref.finalize(self, self._process.end)
        return self._process


def _parsed(content: bytes, size: int) -> Entries:
    """Return the entries of a tree object: `<mode> <name> NUL <id of `size` bytes>`, repeated."""
    entries: Entries = {}
    at = 0
    while at < len(content):
        name = content.index(b" ", at) + 1
        mode = content[at : name - 1].decode()
        end = content.index(b"\0", name)
        at = end + 1 + size
        entries[content[name:end]] = mode, content[end + 1 : at].hex()
    return entries
