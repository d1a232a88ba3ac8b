"""`--dry-run` of commands that write records and files: the command itself, on a copy of them.

What it prints is what it would print, what it refuses it would refuse, with the same exit code.
"""

import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from pipeline.app.copying import Copy, changes, files_of, in_words, make_copy, new_lines
from pipeline.app.project import open_project
from pipeline.cli.output import print_json, print_text
from pipeline.domain.counting import counted
from pipeline.errors import PipelineError
from pipeline.paths import UserPlaces

Change = dict[str, str]

MOST = 8
"""So many changed files of one folder are named."""


def try_out(_words: str, function: Callable[..., Any], given: Mapping[str, Any]) -> object:
    """Run a command's function on a copy, then say what it said and what it changed."""
    with copied(given["repo"]) as copy:
        before, told = files_of(copy), io.StringIO()
        journal = copy.root / ".workflow" / "journal.jsonl"
        size = journal.stat().st_size if journal.exists() else 0
        count = journal.read_bytes().count(b"\n") if size else 0
        with redirect_stdout(told):
            code = function(**{**given, "repo": copy.root})
        found: list[Change] = [
            {"what": "journal", "change": in_words(line.entry, line.kind)}
            for line in new_lines(journal, size, count)
        ]
        found += [
            {"what": copy.original(str(path)), "change": how}
            for path, how in changes(before, files_of(copy))
        ]
        _say(copy.original(told.getvalue()), found, as_json=bool(given["as_json"]))
    return code


@contextmanager
def copied(repo: Path) -> Iterator[Copy]:
    """Be in a process that works on a copy of the repository's records and the user's folders."""
    project = open_project(repo, initialized=False, settings=False)
    with tempfile.TemporaryDirectory(prefix="pipeline-dry-run-") as folder:
        copy = make_copy(project.repo, project.places, Path(folder).resolve())
        before = {name: os.environ.get(name) for name in copy.environment}
        os.environ.update(copy.environment)
        try:
            if not UserPlaces.from_environment().state.is_relative_to(Path(folder).resolve()):
                raise PipelineError("--dry-run needs a system that honours XDG_STATE_HOME")
            yield copy
        except PipelineError as error:
            error.args = tuple(copy.original(str(word)) for word in error.args)
            raise
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def _say(told: str, found: list[Change], *, as_json: bool) -> None:
    if as_json:
        print_json({"dry_run": True, "answer": orjson.loads(told or "null"), "changes": found})
        return
    for line in told.splitlines():
        print_text(f"  {line}")
    for place, changed in groupby(found, key=_folder):
        some = list(changed)
        if place and len(some) > MOST:
            print_text(f"would change {place}: {counted(len(some), 'file')}")
            continue
        for one in some:
            print_text(f"would change {one['what']}: {one['change']}")
    print_text(
        "nothing is changed: --dry-run" + (", and above is what it would say" if told else "")
        if found
        else "it would change nothing"
    )


def _folder(one: Change) -> str:
    """Return the folder of a file; "" for a line of the journal."""
    return one["what"].rpartition("/")[0]
