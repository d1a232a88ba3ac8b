"""What a project's own files say, read leniently: a broken one says nothing."""

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterable

Read = Callable[[str], bytes | None]
"""Returns a file's bytes by its path from the root, None when it is not there."""

MANIFESTS = ("pyproject.toml", "setup.py", "package.json", "Cargo.toml", "go.mod")
"""A folder with one of these is a project of its own."""
MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
DEEPEST = 2
"""So many folders down parts of a repository are looked for."""


def read_toml(read: Read, name: str) -> dict[str, object]:
    """Return a TOML file's content; empty when there is none, or when it is broken."""
    try:
        return tomllib.loads((read(name) or b"").decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        return {}


def tool_table(read: Read, tool: str) -> bool:
    """Tell whether `pyproject.toml` has a table for a tool."""
    tools = read_toml(read, "pyproject.toml").get("tool")
    return isinstance(tools, dict) and tool in tools


def node_script(read: Read, name: str) -> str | None:
    """Return a script of `package.json`, None when it has none of that name."""
    try:
        package = json.loads(read("package.json") or b"{}")
    except ValueError:
        return None
    scripts = package.get("scripts") if isinstance(package, dict) else None
    script = scripts.get(name) if isinstance(scripts, dict) else None
    return script if isinstance(script, str) and script.strip() else None


def make_target(read: Read, names: frozenset[str], target: str) -> bool:
    """Tell whether the makefile has a rule for a target."""
    rule = re.compile(rb"(?m)^" + re.escape(target.encode()) + rb"\s*:(?!=)")
    return any(rule.search(read(name) or b"") for name in MAKEFILES if name in names)


def parts_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the folders that are projects of their own, in a repository whose root is none."""
    folders = {
        folder
        for name in names
        for folder, _, file in [name.rpartition("/")]
        if file in MANIFESTS and folder.count("/") < DEEPEST
    }
    if "" in folders:
        return ()
    return tuple(sorted(one for one in folders if part_of(one, folders) is None))


def part_of(path: str, parts: Collection[str]) -> str | None:
    """Return the part that a path lies in, None when it lies in none; `parts` is best a set."""
    above = path.split("/")[:-1]
    heads = ("/".join(above[:deep]) for deep in range(1, DEEPEST + 1) if deep <= len(above))
    return next((head for head in heads if head in parts), None)
