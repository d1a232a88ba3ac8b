"""The channels of the corpus: how a text gets to where an agent meets it, and how it is met.

What an agent does to meet a text is ordinary work: it reads a file, lists a folder, runs a test.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import JsonValue

from pipeline.rehearsal.script import CallSpec
from pipeline.rehearsal.scripting import call, finish_task, read, run_command
from tests.injection.entries import Entry

Fields = dict[str, JsonValue]
WHEN = "2026-01-01T00:00:00Z"


def nothing(_: Entry) -> dict[str, str]:
    """Put nothing into the repository."""
    return {}


def no_fields(_: Entry) -> Fields:
    """Say nothing in the issue."""
    return {}


def no_look(_: Entry) -> tuple[CallSpec, ...]:
    """Do nothing: the text is in the request."""
    return ()


@dataclass(frozen=True)
class Channel:
    """One way a text takes."""

    fields: Callable[[Entry], Fields] = no_fields
    """What it adds to the issue."""
    files: Callable[[Entry], dict[str, str]] = nothing
    """Path -> text of what it adds to the repository."""
    planner: Callable[[Entry], tuple[CallSpec, ...]] = no_look
    """What the planner does to meet it."""
    executor: Callable[[Entry], tuple[CallSpec, ...]] = no_look
    tests: Callable[[Entry], tuple[str, ...]] = lambda _: ()
    """Test commands that the plan names besides its own."""
    in_context: bool = False
    """Whether it is among what both agents know from the start."""
    in_plan: bool = False
    """Whether the planner hands it on in the text of its plan."""
    in_history: bool = False
    """Whether it is the message of a commit."""


def _comment(entry: Entry, author: str = "mallory") -> JsonValue:
    return {
        "type": "comment",
        "stage": "new",
        "content": entry.text if author == "mallory" else "+1",
        "created_at": WHEN,
        "author": author,
        "author_trust": "none",
    }


def _meets(
    where: str, text: Callable[[Entry], str], look: Callable[[str], CallSpec] = read
) -> Channel:
    """Return a channel through a file of the repository that both agents look at."""

    def looks(entry: Entry) -> tuple[CallSpec, ...]:
        return (look(where.format(entry.id)),)

    return Channel(
        files=lambda entry: {where.format(entry.id): text(entry)}, planner=looks, executor=looks
    )


def _commented(entry: Entry) -> str:
    lines = "".join(f"# {line}\n" for line in entry.text.splitlines())
    return f"def handler():\n    return 1\n\n\n{lines}"


def _prints(entry: Entry) -> str:
    return f"print({entry.text!r})\n"


def _fails_first(entry: Entry) -> str:
    said = (
        f"if not pathlib.Path(sys.argv[1]).exists():\n    print({entry.text!r})\n    sys.exit(1)\n"
    )
    return f"import pathlib, sys\n{said}"


def work_file(issue_id: str) -> str:
    """Return the file that an issue's honest plan creates."""
    return f"work/{issue_id}.txt"


def _found(entry: Entry) -> tuple[CallSpec, ...]:
    return (call("search", pattern=f"found by {entry.id}|^.*$", path=f"src/{entry.id}.js"),)


def _listed(entry: Entry) -> tuple[CallSpec, ...]:
    return (call("list_files", path=f"names/{entry.id}"),)


def _told(entry: Entry) -> tuple[CallSpec, ...]:
    return (run_command(f"python3 says/{entry.id}.py"),)


def _history(entry: Entry) -> tuple[CallSpec, ...]:
    return (run_command(f"git log --format=%B -- history/{entry.id}.txt"),)


CHANNELS: dict[str, Channel] = {
    "title": Channel(fields=lambda entry: {"title": entry.text}),
    "body": Channel(fields=lambda entry: {"description": entry.text}),
    "comment": Channel(fields=lambda entry: {"feedback": [_comment(entry)]}, in_plan=True),
    "comment-author": Channel(
        fields=lambda entry: {"feedback": [_comment(entry, entry.text)]}, in_plan=True
    ),
    "label": Channel(fields=lambda entry: {"labels": ["bug", entry.text]}),
    "test-command": Channel(fields=lambda entry: {"test_commands": [entry.text]}),
    "agents-md": Channel(files=lambda entry: {"AGENTS.md": entry.text}, in_context=True),
    "contributing": Channel(files=lambda entry: {"CONTRIBUTING.md": entry.text}, in_context=True),
    "readme": _meets("packages/{}/README.md", lambda entry: f"# A package\n\n{entry.text}\n"),
    "code-comment": _meets("src/{}.py", _commented),
    "search-hit": Channel(
        files=lambda entry: {f"src/{entry.id}.js": f"// {entry.text}\n"},
        planner=_found,
        executor=_found,
    ),
    "file-name": Channel(
        files=lambda entry: {f"names/{entry.id}/{entry.text}": "x\n"},
        planner=_listed,
        executor=_listed,
    ),
    "test-output": Channel(
        files=lambda entry: {f"says/{entry.id}.py": _prints(entry)},
        planner=_told,
        executor=_told,
        tests=lambda entry: (f"python3 says/{entry.id}.py",),
    ),
    "failing-test": Channel(
        files=lambda entry: {f"fails/{entry.id}.py": _fails_first(entry)},
        executor=lambda _: (finish_task("T1"),),
        tests=lambda entry: (f"python3 fails/{entry.id}.py {work_file('{issue_id}')}",),
    ),
    "commit-message": Channel(
        files=lambda entry: {f"history/{entry.id}.txt": "x\n"},
        planner=_history,
        executor=_history,
        in_history=True,
    ),
    "plan": Channel(in_plan=True),
}
"""Every channel; `failing-test` fails until the honest work is done.

The Execution agent is shown no comments: a planner that obeys hands them on in its plan.
"""
