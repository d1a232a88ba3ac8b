"""Where each setting has its value from: a line of a file, a variable, a flag, or nowhere."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.app.project import Project
from pipeline.settings import ENVIRONMENT, KEYS, Source, SourceKind, read_sources, set_by, value_of

VARIABLES = {key: name for name, key in ENVIRONMENT.items()}
HEAD = re.compile(r"\s*\[+\s*(?P<section>[^\]#]+?)\s*\]+\s*(?:#.*)?")
ENTRY = re.compile(r"""\s*(?P<key>["'\w.-]+)\s*=""")


@dataclass(frozen=True)
class Origin:
    """Where one value comes from."""

    kind: SourceKind | Literal["default"]
    name: str
    """The file, the variable or the flag; empty for a default."""
    line: int | None = None
    """Of the file, from 1; None where it cannot be told."""

    @property
    def words(self) -> str:
        """Return it as a person reads it: `.workflow/config.toml:12`."""
        if self.kind == "default":
            return "default"
        return f"{self.name}:{self.line}" if self.line else self.name


@dataclass(frozen=True)
class Setting:
    """One key, the value that holds, and where it comes from."""

    key: str
    value: object
    origin: Origin


def settings_with_origins(
    project: Project, flags: Mapping[str, object], flag_names: Mapping[str, str]
) -> Iterator[Setting]:
    """Yield every setting, section by section; `flag_names`: key -> its option."""
    places = project.places
    files: dict[SourceKind, Path] = {
        "project": places.config_file,
        "user": places.user_config,
    }
    held = set_by(read_sources(places, os.environ, flags))
    lines = {
        kind: lines_of(path.read_text(encoding="utf-8"))
        for kind, path in files.items()
        if path.is_file()
    }
    sections = list(dict.fromkeys(_section(key) for key in KEYS))
    for key in sorted(KEYS, key=lambda key: sections.index(_section(key))):
        source = held.get(key)
        origin = _origin(key, source, lines, flag_names) if source else Origin("default", "")
        yield Setting(key, value_of(project.settings, key), origin)


def _section(key: str) -> str:
    return key.partition(".")[0]


def _origin(
    key: str,
    source: Source,
    lines: Mapping[SourceKind, dict[str, int]],
    flag_names: Mapping[str, str],
) -> Origin:
    if source.kind == "environment":
        return Origin(source.kind, VARIABLES[key])
    if source.kind == "flags":
        return Origin(source.kind, flag_names[key])
    found = lines[source.kind]
    return Origin(source.kind, source.name, found.get(key) or found.get(_section(key)))


def lines_of(text: str) -> dict[str, int]:
    """Return dotted key -> its line, for keys and sections of a TOML file that is valid."""
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if head := HEAD.fullmatch(line):
            section = head["section"].replace('"', "")
            found.setdefault(section, number)
        elif entry := ENTRY.match(line):
            key = entry["key"].replace('"', "").replace("'", "")
            found.setdefault(f"{section}.{key}" if section else key, number)
    return found
