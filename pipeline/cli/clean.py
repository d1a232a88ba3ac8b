"""`pipeline clean`: remove what the pipeline left behind and nothing needs any more."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from pipeline.app.keeping import clean
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.cli.streams import while_read
from pipeline.domain.base import iso
from pipeline.errors import UsageProblem
from pipeline.execution.debris import Debris
from pipeline.settings import seconds


def command(
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than", metavar="TIME", help="Only what was left alone that long (30d, 12h)."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="However young it is; an open run keeps what it needs.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would go, and remove nothing.")
    ] = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Remove workspaces, old kept work, outputs, patches, copies and temporary files of ours.

    Old is what is older than run.keep_days, or --older-than. Never a branch, never a record, never
    what an open run needs; refused while a run is alive.

    Example: pipeline clean --dry-run
    """
    if everything and older_than is not None:
        raise UsageProblem("--all and --older-than exclude each other: leave one of them out")
    project = open_project(repo)
    age = timedelta(days=project.settings.keep_days)
    if everything or older_than is not None:
        age = timedelta(seconds=_seconds(older_than or "0s"))
    found = clean(project, older_than=age, dry_run=dry_run)
    with while_read():
        if as_json:
            rows = [_as_json(one) for one in found]
            total = sum(one.bytes for one in found)
            print_json({"dry_run": dry_run, "bytes": total, "removed": rows})
        else:
            _say(found, dry_run=dry_run)


def _seconds(text: str) -> int:
    try:
        return seconds(text)
    except ValueError as error:
        raise UsageProblem(f"--older-than {text!r}: {error}") from error


def _say(found: Sequence[Debris], *, dry_run: bool) -> None:
    for one in found:
        print_text(f"{size(one.bytes):>9}  {one.kind}: {one.name}")
    verb = "would go" if dry_run else "removed"
    if found:
        print_text(f"{verb}: {len(found)}, {size(sum(one.bytes for one in found)).strip()}")
    else:
        print_text("nothing to remove")


def size(count: int) -> str:
    """Return a number of bytes as people read it: `0 B`, `12 kB`, `3.4 MB`."""
    if count < 1000:
        return f"{count} B"
    for unit, factor in (("kB", 10**3), ("MB", 10**6), ("GB", 10**9)):
        if count < 1000 * factor or unit == "GB":
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def _as_json(one: Debris) -> dict[str, object]:
    return {
        "kind": one.kind,
        "name": one.name,
        "bytes": one.bytes,
        "used_at": iso(one.used_at),
        "commit": one.commit,
    }
