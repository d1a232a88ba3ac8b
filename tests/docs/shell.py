"""Command lines of the documents, run as a person types them, in a folder, against a stand-in.

    with Shell(folder, script) as shell:
        shell.run("pipeline plan").code

A line that is one command of ours runs in this process, through the console script's own function;
everything else is given to bash, with the console script on the path. Only the models (a stand-in)
and GitHub's program `gh` (a file with issues) are not the real ones.
"""

import contextlib
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

from pipeline.cli.entry import run
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.server import StandIn
from tests.e2e.night import Ended

SHELL_SIGNS = frozenset("|&;<>()$`*?~{}[]#\n")
GH = "#!/bin/sh\ncat {issues}\n"


class Shell:
    """A folder, a stand-in, and a command line between them."""

    def __init__(self, folder: Path, script: Script, *, tools: Path | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._stand_in = StandIn(script)
        self._tools = tools

    def __enter__(self) -> "Shell":
        self._stand_in.__enter__()
        folders = [*([self._tools] if self._tools else []), Path(sys.executable).parent]
        os.environ |= {
            "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
            "PIPELINE_RUN_REHEARSAL": "true",
            "PIPELINE_PLANNER_BASE_URL": self._stand_in.url,
            "PIPELINE_EXECUTOR_BASE_URL": self._stand_in.url,
            "COLUMNS": "100",
            "LC_ALL": "C.UTF-8",
        }
        return self

    def __exit__(self, *exception: object) -> None:
        self._stand_in.__exit__(None, None, None)

    def run(self, line: str, *, below: str = ".") -> Ended:
        """Run a line in the folder `below` ours; stderr comes with stdout, in order."""
        folder = self.folder / below
        if line.startswith("pipeline ") and not SHELL_SIGNS & set(_outside_quotes(line)):
            return _here(folder, shlex.split(line)[1:])
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, "")


def gh_program(folder: Path, issues: str) -> Path:
    """Write a `gh` that prints `issues`, whatever it is asked; return its folder."""
    folder.mkdir()
    (folder / "issues.json").write_text(issues)
    program = folder / "gh"
    program.write_text(GH.format(issues=folder / "issues.json"))
    program.chmod(0o755)
    return folder


def _here(folder: Path, words: list[str]) -> Ended:
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = run(words)
    return Ended(code, out.getvalue(), "")


def _outside_quotes(line: str) -> str:
    """Return the line without what stands in quotes; in double ones `$` and backquotes count."""
    kept, quote = "", ""
    for sign in line:
        if quote:
            quote = "" if sign == quote else quote
            kept += sign if quote == '"' and sign in "$`" else ""
        elif sign in "'\"":
            quote = sign
        else:
            kept += sign
    return kept
