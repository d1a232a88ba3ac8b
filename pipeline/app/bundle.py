"""Wiring of `export-run`: everything about one run in one file, without secrets, of bounded size.

run-<id>/environment.json   versions, settings with their origins
         journal.jsonl      the run's lines; their hashes are those of the originals
         planning.jsonl, execution.jsonl    its records
         plans/ transcripts/ outputs/ quarantine/ report.* crash/    as they were kept
         manifest.json      every file: bytes, SHA-256, whether it was cut; what was left out
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from pipeline.app.books import read_state
from pipeline.app.hiding import redaction_of
from pipeline.app.history import find_run, kept_of, next_opened, report_of, runs_of
from pipeline.app.origins import settings_with_origins
from pipeline.app.project import Project
from pipeline.app.versions import versions
from pipeline.domain.base import iso
from pipeline.errors import PipelineError
from pipeline.store.journal import Journal
from pipeline.store.outside import require_outside
from pipeline.store.packing import Member, digest, pack, unpack
from pipeline.store.past_runs import PastRun
from pipeline.store.redaction import Redaction
from pipeline.store.state import State

MOST_OF_A_FILE = 2**20
"""Bytes of one file: of a longer one the first and the last half of that."""
MOST = 32 * 2**20
"""Bytes of all files together, before they are packed; what comes behind is left out and named."""
CUT = b"\n[.. %d bytes left out ..]\n"
CRASH_LOGS = 3


@dataclass(frozen=True)
class Bundle:
    """What was written."""

    path: Path
    run_id: str
    files: int
    bytes: int
    left_out: tuple[str, ...]


def export_run(project: Project, name: str | None, output: Path | None) -> Bundle:
    """Write the bundle of a run, the newest without a `name`, and return what is in it."""
    runs = runs_of(project)
    run = find_run(runs, name)
    path = Path(os.path.realpath(output or f"run-{run.run_id}.tar.gz"))
    require_outside(project.places, path)
    if path.exists() and not path.is_file():
        raise PipelineError(f"{str(path)!r} is no file: name one that is there, or a new one")
    redact = redaction_of(project.settings.secrets)
    top, size = f"run-{run.run_id}", 0
    members: list[Member] = []
    about: list[dict[str, object]] = []
    left_out: list[str] = []
    for inside, content in _all_of(project, run, runs):
        clean = redacted(content, redact, is_json_lines=inside.endswith(".jsonl"))
        shown = shortened(clean)
        if size + len(shown) > MOST:
            left_out.append(inside)
            continue
        size += len(shown)
        members.append((f"{top}/{inside}", shown))
        is_cut = len(shown) != len(clean)
        row = {"name": inside, "bytes": len(shown), "sha256": digest(shown), "cut": is_cut}
        about.append(row)
    manifest = {"run_id": run.run_id, "files": about, "left_out": left_out, "redacted": True}
    members.append((f"{top}/manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2)))
    pack(path, sorted(members), at=int(run.opened_at.timestamp()))
    return Bundle(path, run.run_id, len(members), size, tuple(left_out))


def _all_of(project: Project, run: PastRun, runs: list[PastRun]) -> Iterator[Member]:
    """Yield what tells most first: the rest may not fit."""
    state = read_state(project)
    yield "environment.json", _environment(project, run)
    yield from report_of(project, run.run_id)
    yield "journal.jsonl", _journal(project, run)
    yield "planning.jsonl", _records(state, [key for key in run.plans if key in state.planning])
    attempts = [state.execution[name] for name in run.attempts if name in state.execution]
    yield "execution.jsonl", b"".join(_line(one.model_dump_json()) for one in attempts)
    for key in run.plans:
        for path in sorted(project.places.plans.glob(f"*_{key}_*.md")):
            yield f"plans/{key}.md", path.read_bytes()
    for path in sorted(project.places.logs.glob("crash-*.log"))[-CRASH_LOGS:]:
        yield f"crash/{path.name}", path.read_bytes()
    kept = dict(kept_of(project, run, next_opened(runs, run)))
    for path in sorted(project.places.archive.glob(f"{run.run_id}*.tar.gz")):
        kept = dict(unpack(path)) | kept
    yield from sorted(
        (one for one in kept.items() if not one[0].startswith("report.")),
        key=lambda one: (not one[0].startswith("transcripts/"), one[0]),
    )


def _environment(project: Project, run: PastRun) -> bytes:
    settings = [
        {"key": one.key, "value": one.value, "from": one.origin.words}
        for one in settings_with_origins(project, {}, {})
    ]
    about = {name: value for name, value in asdict(run).items() if name != "requests"}
    times = {"opened_at": iso(run.opened_at), "closed_at": run.closed_at and iso(run.closed_at)}
    found = {"versions": versions(), "run": about | times, "settings": settings}
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str)


def _journal(project: Project, run: PastRun) -> bytes:
    lines = Journal(project.places).lines(upto=run.last_line)
    return b"".join(one.raw for one in lines if one.seq >= run.first_line)


def _records(state: State, keys: Iterable[str]) -> bytes:
    return b"".join(_line(state.planning[key].model_dump_json()) for key in keys)


def _line(text: str) -> bytes:
    return text.encode() + b"\n"


def redacted(content: bytes, redact: Redaction, *, is_json_lines: bool = False) -> bytes:
    """Return a file without secrets; lines of JSON stay lines of JSON."""
    if not is_json_lines:
        return redact(content.decode("utf-8", "replace")).encode()
    return b"".join(_redacted_line(raw, redact) for raw in content.splitlines(keepends=True))


def _redacted_line(raw: bytes, redact: Redaction) -> bytes:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return redact(raw.decode("utf-8", "replace")).encode()
    return redact.by_value(orjson.dumps(redact.deep(found)).decode()).encode() + b"\n"


def shortened(content: bytes, most: int = MOST_OF_A_FILE) -> bytes:
    """Return a file's first and last part where it is too long."""
    if len(content) <= most:
        return content
    half = most // 2
    return content[:half] + CUT % (len(content) - 2 * half) + content[-half:]
