"""Agents scripted from the issues alone: each plans one small change, makes it, and says so.

    planner    read_file, submit_solution
    executor   read_file, the change, finish_task, submit_result (again, when it is sent back)

The change is a comment in a file that the issue's text names and the base holds, else a file of the
issue's own. Whether a file is there, and how it ends, is read from what `read_file` said, so an
answer is a function of the request also after somebody else has changed the file.
"""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.domain.issue import Issue
from pipeline.rehearsal.script import CallSpec, ReplySpec, Script
from pipeline.rehearsal.scripting import (
    edit,
    finish_task,
    read,
    submit_result,
    submit_solution,
    task,
    write,
)
from pipeline.rehearsal.view import RequestView

OWN_FOLDER = "rehearsal"
"""Where issues that name no file of the repository get one of their own."""

COMMENTS: dict[str, tuple[str, str]] = {
    **dict.fromkeys((".py", ".sh", ".rb", ".toml", ".yml", ".yaml", ".cfg", ".pl"), ("# ", "")),
    **dict.fromkeys((".js", ".ts", ".go", ".rs", ".java", ".c", ".h", ".cpp"), ("// ", "")),
    **dict.fromkeys((".md", ".html", ".xml"), ("<!-- ", " -->")),
    ".txt": ("", ""),
}
"""End of a file's name -> what stands before and after a remark in such a file."""

PATH_LIKE = re.compile(r"[\w./-]*\w\.\w+")
NUMBERED = re.compile(r"^ *\d+\t(.*)$", re.MULTILINE)
"""A line of a file as `read_file` shows it."""
MISSING = "there is no "
"""How `read_file` begins for a file that is not there."""
LONGEST_TITLE = 60


@dataclass(frozen=True)
class Errand:
    """What the agents do about one issue: add a line to one file."""

    issue_id: str
    title: str
    path: str
    line: str


def errands(issues: Sequence[Issue], files: Collection[str]) -> dict[str, Errand]:
    """Return issue id -> what is done about it; `files` may be changed."""
    return {issue.id: _errand(issue, files) for issue in issues}


def improvise(todo: Mapping[str, Errand]) -> Script:
    """Return the script of both agents for these issues."""

    def reply(view: RequestView) -> ReplySpec:
        errand = todo.get(view.issue_id)
        if errand is None:
            return ReplySpec(text="Nothing of this is in the rehearsal.")
        if view.call == 0:
            return _says(read(errand.path), f"I look at {errand.path}.")
        if view.agent == "planner":
            return _says(_solution(errand, view), "This is the plan.")
        moves = (_change(errand, view), finish_task("T1"), submit_result())
        return _says(moves[min(view.call, len(moves)) - 1])

    return Script.from_function(reply)


def _errand(issue: Issue, files: Collection[str]) -> Errand:
    path = _named_file(issue, files) or f"{OWN_FOLDER}/{issue.id}.md"
    return Errand(issue.id, issue.title, path, remark(path, f"{issue.id}: rehearsed"))


def remark(path: str, text: str) -> str:
    """Return a line that says something in a file and changes nothing of what it means."""
    before, after = COMMENTS[PurePosixPath(path).suffix]
    return f"{before}{text}{after}"


def _named_file(issue: Issue, files: Collection[str]) -> str | None:
    """Return the first file that the issue names, by its path or by a name that only it has."""
    by_name: dict[str, list[str]] = {}
    for path in files:
        by_name.setdefault(PurePosixPath(path).name, []).append(path)
    for said in PATH_LIKE.findall(f"{issue.title}\n{issue.description}"):
        meant = [said] if said in files else by_name.get(said, [])
        if len(meant) == 1 and PurePosixPath(said).suffix in COMMENTS:
            return meant[0]
    return None


def _solution(errand: Errand, view: RequestView) -> CallSpec:
    is_there = not view.replies or MISSING not in view.replies[0]
    work = task(
        "T1",
        title=f"note {errand.issue_id} in {errand.path}",
        files={errand.path: "modify" if is_there else "create"},
        tests=[f"grep -q {shlex.quote(errand.line)} {shlex.quote(errand.path)}"],
    )
    title = errand.title if len(errand.title) <= LONGEST_TITLE else errand.title[:LONGEST_TITLE]
    return submit_solution(tasks=[work], title=f"rehearse: {title}")


def _change(errand: Errand, view: RequestView) -> CallSpec:
    """Add the line at the end of the file as it was just read, or make the file."""
    if MISSING in view.replies[0]:
        return write(errand.path, f"# {errand.title}\n\n{errand.line}\n")
    end = _unique_end(NUMBERED.findall(view.replies[0]))
    return edit(errand.path, end, f"{end}\n{errand.line}")


def _unique_end(lines: Sequence[str]) -> str:
    """Return as many of the last lines as it takes for a text that is there once."""
    whole = "\n".join(lines)
    ends = ("\n".join(lines[start:]) for start in range(len(lines) - 1, 0, -1))
    return next((end for end in ends if end.strip() and whole.count(end) == 1), whole)


def _says(move: CallSpec, text: str = "") -> ReplySpec:
    return ReplySpec(text=text, tool_calls=(move,))
