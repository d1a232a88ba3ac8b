"""What kind of project a repository holds and how it is tested, told by its files alone."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.domain.counting import counted
from pipeline.plans.linters import lint_command
from pipeline.plans.manifests import (
    Read,
    make_target,
    node_script,
    part_of,
    parts_of,
    tool_table,
)

LANGUAGES = {
    "Python": (".py",),
    "JavaScript": (".js", ".jsx", ".mjs", ".cjs"),
    "TypeScript": (".ts", ".tsx"),
    "Rust": (".rs",),
    "Go": (".go",),
    "Java": (".java",),
    "C": (".c", ".h"),
    "C++": (".cc", ".cpp", ".hpp"),
    "Ruby": (".rb",),
    "Shell": (".sh",),
}
NODE_RUNNERS = (
    ("pnpm-lock.yaml", "pnpm test"),
    ("yarn.lock", "yarn test"),
    ("package-lock.json", "npm test"),
)
NO_NODE_TEST = "no test specified"
PYTEST_FILES = ("pytest.ini", "conftest.py")
MAX_LAYOUT_LINES = 40


@dataclass(frozen=True)
class Project:
    """What a repository's files say of the project."""

    languages: tuple[str, ...]
    """Most files first."""
    test_command: str | None
    """For `bash -c` in the root; None: no tests were found."""
    lint_command: str | None
    """What the project's files say of a linter, for people; nothing runs it."""
    parts: tuple[str, ...]
    """Folders that are projects of their own, where the root is none."""
    layout: tuple[str, ...]
    """One line per top-level entry, folders with their number of files."""


def detect_project(read: Read, files: Sequence[str]) -> Project:
    """Return languages, test command and layout of a commit's `files` (paths from the root)."""
    names, parts = frozenset(files), parts_of(files)
    return Project(
        languages=_languages(files),
        test_command=_test_command(read, names, parts),
        lint_command=lint_command(read, names),
        parts=parts,
        layout=_layout(files),
    )


def _test_command(read: Read, names: frozenset[str], parts: Sequence[str]) -> str | None:
    """Return the root's own command, else those of the parts, one after the other."""
    folders = frozenset(parts)
    root = _first(read, frozenset(name for name in names if part_of(name, folders) is None))
    if root or not parts:
        return root
    commands = [(part, _first(*_within(part, read, names))) for part in parts]
    found = [f"(cd {shlex.quote(part)} && {command})" for part, command in commands if command]
    return " && ".join(found) or None


def _first(read: Read, names: frozenset[str]) -> str | None:
    return next((command for detect in DETECTORS if (command := detect(read, names))), None)


def _within(part: str, read: Read, names: frozenset[str]) -> tuple[Read, frozenset[str]]:
    below = f"{part}/"
    inside = frozenset(name.removeprefix(below) for name in names if name.startswith(below))
    return lambda path: read(f"{part}/{path}"), inside


def _languages(files: Sequence[str]) -> tuple[str, ...]:
    suffixes = [PurePosixPath(path).suffix for path in files]
    counts = {name: sum(map(suffixes.count, ends)) for name, ends in LANGUAGES.items()}
    return tuple(sorted((n for n in counts if counts[n]), key=lambda n: (-counts[n], n)))


def _layout(files: Sequence[str]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for path in files:
        top, slash, _ = path.partition("/")
        counts[top + slash] = counts.get(top + slash, 0) + 1
    lines = [
        f"{name} ({counted(n, 'file')})" if name.endswith("/") else name
        for name, n in counts.items()
    ]
    lines.sort(key=lambda line: ("/" not in line, line))
    return tuple(lines[:MAX_LAYOUT_LINES])


def _python(read: Read, names: frozenset[str]) -> str | None:
    tests = [path for path in names if _is_python_test(path)]
    if any(path in names for path in PYTEST_FILES) or _configures_pytest(read):
        return "python -m pytest -q"
    if not tests:
        return None
    texts = [read(path) or b"" for path in sorted(tests)]
    if any(b"unittest" in text for text in texts) and not any(_is_pytest(t) for t in texts):
        return "python -m unittest discover" + _unittest_start(names, tests)
    return "python -m pytest -q"


def _is_python_test(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _is_pytest(text: bytes) -> bool:
    """Tell whether a test file needs pytest: it imports it or has bare test functions."""
    return b"import pytest" in text or b"from pytest" in text or b"\ndef test_" in b"\n" + text


def _configures_pytest(read: Read) -> bool:
    if tool_table(read, "pytest"):
        return True
    setup = (read("setup.cfg") or b"") + (read("tox.ini") or b"")
    return b"[tool:pytest]" in setup or b"[pytest]" in setup


def _unittest_start(names: frozenset[str], tests: Sequence[str]) -> str:
    """Return `-s <folder>` when discovery from the root would not reach the tests."""
    folders = {PurePosixPath(path).parts[0] for path in tests if "/" in path}
    flat = any("/" not in path for path in tests)
    if flat or len(folders) != 1 or f"{min(folders)}/__init__.py" in names:
        return ""
    return f" -s {min(folders)}"


def _node(read: Read, names: frozenset[str]) -> str | None:
    script = node_script(read, "test") if "package.json" in names else None
    if script is None or NO_NODE_TEST in script:
        return None
    return next((command for lock, command in NODE_RUNNERS if lock in names), "npm test")


def _rust(read: Read, names: frozenset[str]) -> str | None:
    return "cargo test" if "Cargo.toml" in names else None


def _go(read: Read, names: frozenset[str]) -> str | None:
    return "go test ./..." if "go.mod" in names else None


def _make(read: Read, names: frozenset[str]) -> str | None:
    return "make test" if make_target(read, names, "test") else None


DETECTORS = (_python, _node, _rust, _go, _make)
"""Asked in this order; the first that knows a test command decides."""
