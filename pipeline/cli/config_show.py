"""`pipeline config show`: every setting, its value, and where that comes from."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import orjson
import typer

from pipeline.app.hiding import redaction_of
from pipeline.app.origins import Setting, settings_with_origins
from pipeline.app.project import open_project
from pipeline.cli import options as o
from pipeline.cli.output import print_json, print_text
from pipeline.domain.nearest import no_such
from pipeline.settings import KEYS, duration_text

OPTIONS = {key: "--" + name.replace("_", "-") for name, key in o.KEY_OF.items()}
"""Key -> the flag that sets it."""
SECONDS = "_s"
"""How the name of a field ends that holds seconds and is written as a duration."""
COLUMN = 44
"""Where the origins begin, unless a value is longer."""


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY|SECTION]...", help="Only these, such as budget.usd."),
    ] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only what is not at its default.")
    ] = False,
    planner_provider: o.PlannerProvider = None,
    planner_model: o.PlannerModel = None,
    executor_provider: o.ExecutorProvider = None,
    executor_model: o.ExecutorModel = None,
    max_usd: o.MaxUsd = None,
    max_tokens: o.MaxTokens = None,
    sandbox: o.Sandbox = None,
    repo: o.Repo = o.HERE,
    as_json: o.Json = False,
) -> None:
    """Show every setting as TOML, with the file and line, variable or flag that set it.

    Flags count as they would for `run`. Keys of vendors are no settings and are not shown.

    Example: pipeline config show --changed
    """
    flags = o.flags(
        planner_provider=planner_provider,
        planner_model=planner_model,
        executor_provider=executor_provider,
        executor_model=executor_model,
        max_usd=max_usd,
        max_tokens=max_tokens,
        sandbox=sandbox,
    )
    wanted = _keys(names or ())
    project = open_project(repo, flags, initialized=False)
    found = [
        one
        for one in settings_with_origins(project, flags, OPTIONS)
        if one.key in wanted and not (changed and one.origin.kind == "default")
    ]
    redact = redaction_of(project.settings.secrets)
    if as_json:
        print_json(redact.deep(orjson.loads(orjson.dumps([_fields(one) for one in found]))))
    else:
        print_text(redact(_text(found)) if found else "every setting is at its default")


def _keys(names: Sequence[str]) -> set[str]:
    """Return the keys that were asked for by name or by section; all without a name."""
    sections = {key.partition(".")[0] for key in KEYS}
    for name in names:
        if name not in KEYS and name not in sections:
            raise no_such("setting", name, [*KEYS, *sections], "docs/settings.md has them all")
    return {key for key in KEYS if not names or {key, key.partition(".")[0]} & set(names)}


def _fields(one: Setting) -> dict[str, object]:
    return {"key": one.key, "value": _plain(one.value), "origin": asdict(one.origin)}


def _text(found: Sequence[Setting]) -> str:
    lines: list[str] = []
    section = None
    for one in found:
        head, _, name = one.key.partition(".")
        if head != section:
            lines += [*([""] if lines else []), f"[{head}]"]
        section = head
        value = _plain(one.value)
        if KEYS[one.key].endswith(SECONDS) and isinstance(value, int):
            value = duration_text(value)
        rows = {name: value} if name else value or {"<user name>": None}
        assert isinstance(rows, dict)
        shown = [_line(str(key), item) for key, item in rows.items()]
        lines += [f"{line:<{COLUMN}}  # {one.origin.words}" for line in shown]
    return "\n".join(lines)


def _line(name: str, value: object) -> str:
    return f"# {name} = (not set)" if value is None else f"{name} = {_toml(value)}"


def _plain(value: object) -> object:
    """Return a value as JSON has it: tuples as lists, rules as objects."""
    return orjson.loads(orjson.dumps(value, default=_dumped))


def _dumped(value: object) -> object:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def _toml(value: object) -> str:
    """Return a plain value as TOML on one line."""
    if isinstance(value, dict):
        inner = (
            f"{orjson.dumps(k).decode()} = {_toml(v)}" for k, v in value.items() if v is not None
        )
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return orjson.dumps(value).decode()
