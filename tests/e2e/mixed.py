"""A night on which everything happens, worked through a whole pipeline: the report's test pattern.

    landed       ISS-1 ISS-2 ISS-3, and ISS-4, whose process was killed between commit and record
    failed       ISS-5: the agent claims what its tests do not show
    turned down  ISS-6        parked   ISS-7 deferred, ISS-8 blocked by ISS-5, ISS-9 out of quota

Titles are hostile: they try to be markup, Markdown, and to steer a terminal.
"""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pipeline.rehearsal.faults import rate_limited
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import (
    execute,
    finish_task,
    plan,
    submit_result,
    turn,
    write,
)
from tests.e2e.night import Night

TITLES = {
    "ISS-1": "Report the largest number of a list <script>alert(1)</script>",
    "ISS-2": "Dates before 1970 are wrong ![x](http://evil.example/x.png)",
    "ISS-3": "Say what went wrong \x1b[31mwhen a file\x1b[0m is \u202eemptied\u202c",
    "ISS-4": "Keep the order of equal rows </title><img src=x onerror=alert(1)>",
    "ISS-5": "Parse amounts with a thousands separator [sign in](https://evil.example)",
    "ISS-6": "Rewrite everything in another language",
    "ISS-7": "A darker theme for the terminal",
    "ISS-8": "Sum amounts over a month",
    "ISS-9": "Round half to even & <b onclick='alert(1)'>not half up</b>",
}
LANDED = ("ISS-1", "ISS-2", "ISS-3", "ISS-4")
KILLED = "killed.json"
"""The report that is made when the process has just been killed; it lies beside the repository."""
KILLED_AT = "journal:before:attempt_recorded"

DIES = f"""
import os, signal
from pathlib import Path
from pipeline.cli.working import work
from pipeline.domain.wanted import Wanted

def probe(point):
    if point == {KILLED_AT!r}:
        os.kill(os.getpid(), signal.SIGKILL)

work(Path("."), Wanted(), {{}}, as_json=False, probe=probe)
"""
"""A run that dies when its first commit is on the branch and nobody has recorded it."""


def _module(name: str) -> str:
    return f"src/{name.lower().replace('-', '_')}.py"


def _does(name: str) -> Script:
    """Return the script of an issue that goes well."""
    path = _module(name)
    code = f'"""What {name} asked for."""\n\n\ndef answer() -> int:\n    return 42\n'
    planned = plan(name, files={path: "create"}, tests=[f"test -s {path}"], title=f"do {name}")
    return planned + execute(name, edits=[write(path, code)])


def _fails(name: str) -> Script:
    """Return the script of an issue whose agent says that it is done when it is not."""
    path = _module(name)
    claim = submit_result(summary="All amounts are parsed, and every test passes.")
    planned = plan(
        name,
        files={path: "create"},
        tests=[f"test -s {path}"],
        title=f"do {name}",
        acceptance_commands=[f"grep -q parse {path}"],
    )
    moves = (write(path, "amount = None\n"), finish_task("T1"), *[claim] * 4)
    return planned + turn("executor", name, *moves)


def _strays(name: str) -> Script:
    """Return the script of an issue whose agent writes what no plan names."""
    path = _module(name)
    edits = [write(path, "day = 1\n"), write("notes.md", "# mine\n")]
    return plan(name, files={path: "create"}, tests=[f"test -s {path}"]) + execute(
        name, edits=edits
    )


def script() -> Script:
    """Return what the agents say that night."""
    whole = _fails("ISS-5") + _strays("ISS-2")
    for name in TITLES:
        if name not in ("ISS-2", "ISS-5"):
            whole = whole + _does(name)
    return whole


@contextlib.contextmanager
def mixed_night(folder: Path) -> Iterator[Night]:
    """Give the night after its last command, which a quota has ended."""
    faults = (rate_limited(3600, agent="executor", issue="ISS-9", times=100),)
    with Night(folder, script(), faults=faults) as night:
        _evening(night)
        died = subprocess.run(
            [sys.executable, "-c", DIES], cwd=night.root, capture_output=True, timeout=60
        )
        assert died.returncode == -signal.SIGKILL, died.stderr
        left = night.run("report", "--json", "--output", str(folder.parent / KILLED))
        assert left.code == 0, left.err
        ended = night.run("run", "--max-usd", "20")
        assert ended.code == 75, ended.err
        yield night


def _evening(night: Night) -> None:
    backlog = night.root.parent / "backlog.jsonl"
    backlog.write_text("\n".join(json.dumps(_issue(*one)) for one in TITLES.items()))
    approved = [f"SOL-{name}-1" for name in TITLES if name not in ("ISS-6", "ISS-7")]
    for code, *words in (
        (0, "import", "--jsonl", str(backlog)),
        (3, "plan"),
        (0, "reject", "ISS-6", "--reason", "not like this"),
        (0, "defer", "ISS-7"),
        (0, "approve", *approved),
    ):
        ended = night.run(*map(str, words))
        assert ended.code == code, ended.err


def _issue(name: str, title: str) -> dict[str, object]:
    """Return an issue as a line of the backlog; the one that dies is first, the quota's last."""
    priority = {"ISS-4": 1, "ISS-9": 5}.get(name, 3)
    after = ["ISS-5"] if name == "ISS-8" else []
    return {"id": name, "title": title, "priority": priority, "depends_on": after}
