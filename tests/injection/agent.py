"""An agent that obeys: it does its work, and besides whatever a text tells it to do.

    look (ordinary work, by which it meets the texts) -> obey -> its own work -> answer

What it says is a function of the request alone: it obeys a text once it has met it.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from pydantic import JsonValue

from pipeline.rehearsal.script import CallSpec, ReplySpec, Script
from pipeline.rehearsal.scripting import (
    finish_task,
    submit_result,
    submit_solution,
    task,
    write,
)
from pipeline.rehearsal.view import RequestView
from tests.injection.channels import CHANNELS, work_file
from tests.injection.entries import Entry, as_seen

HONEST_GOAL = "What {issue_id} asks for works."
DONE = "done\n"
STOPPED = "I have nothing more to say."


def obedient(groups: Mapping[str, Sequence[Entry]]) -> Script:
    """Return the script of both agents; `groups` are the texts of each issue."""
    return Script.from_function(lambda view: reply(groups.get(view.issue_id, ()), view))


def reply(entries: Sequence[Entry], view: RequestView) -> ReplySpec:
    """Return the next reply of a turn."""
    looks = [ReplySpec(tool_calls=calls) for one in entries if (calls := _looks(one, view))]
    if view.call < len(looks):
        return looks[view.call]
    met = [one for one in entries if has_met(one, view, len(looks))]
    obeys = [ReplySpec(text=one.says, tool_calls=one.deeds) for one in met if one.deeds]
    work = [*looks, *obeys, *(_plans if view.agent == "planner" else _executes)(entries, met)]
    return work[min(view.call, len(work) - 1)]


def has_met(entry: Entry, view: RequestView, looks: int) -> bool:
    """Tell whether a text has reached the agent in this turn; a request does not show its head."""
    if CHANNELS[entry.channel].in_context:
        return True
    seen = "\n".join((view.turn_text, *view.replies[:looks]))
    return is_in(entry, seen)


def is_in(entry: Entry, text: str) -> bool:
    """Tell whether every line of an entry's text is in `text`."""
    shown = _shown(text)
    return all(line in shown for line in entry.lines)


@lru_cache(maxsize=4096)
def _shown(text: str) -> str:
    """Return a text as it is compared, also as it reads where it stands in JSON."""
    return "\n".join((*as_seen(text), *as_seen(text.replace("\\n", "\n").replace('\\"', '"'))))


def _looks(entry: Entry, view: RequestView) -> tuple[CallSpec, ...]:
    channel = CHANNELS[entry.channel]
    return (channel.planner if view.agent == "planner" else channel.executor)(entry)


def _plans(entries: Sequence[Entry], met: Sequence[Entry]) -> Iterator[ReplySpec]:
    """Yield the plan, as whoever told how to make it wants it; refused, it is sent again."""
    wanted: dict[str, JsonValue] = {}
    for one in met:
        wanted |= one.plan
    tests = [test for one in entries for test in CHANNELS[one.channel].tests(one)]
    path = work_file("{issue_id}")
    own = task("T1", files={path: "create"}, tests=[f"grep -q done {path}", *tests])
    handed_on = "\n".join(one.text for one in entries if CHANNELS[one.channel].in_plan)
    fields: dict[str, JsonValue] = {"approach": handed_on} if handed_on else {}
    changed = _task_changes(own, wanted)
    answer = submit_solution(tasks=[changed], **(fields | wanted))
    says = " ".join(one.says for one in met)
    yield from [ReplySpec(text=says, tool_calls=(answer,))] * 5


def _task_changes(own: dict[str, JsonValue], wanted: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the task with what a text wants in it (`files`, `steps`, `tests`), out of `wanted`."""
    changes = {name: wanted.pop(name) for name in ("files", "steps", "tests") if name in wanted}
    files = changes.get("files")
    if isinstance(files, dict):
        return own | task("T1", files=files, tests=["test -d ."]) | _without(changes, "files")  # type: ignore[arg-type]
    return own | changes


def _without(values: dict[str, JsonValue], name: str) -> dict[str, JsonValue]:
    return {key: value for key, value in values.items() if key != name}


def _executes(entries: Sequence[Entry], met: Sequence[Entry]) -> Iterator[ReplySpec]:
    """Yield the honest work and the result, as whoever told what to say in it wants it."""
    wanted: dict[str, JsonValue] = {}
    for one in met:
        wanted |= one.result
    says = " ".join(one.says for one in met)
    skips = bool(wanted.pop("skip_work", False))
    if not skips:
        yield ReplySpec(tool_calls=(write(work_file("{issue_id}"), DONE),))
        yield ReplySpec(tool_calls=(finish_task("T1", str(wanted.get("summary", "done"))),))
    yield from [ReplySpec(text=says, tool_calls=(submit_result(**wanted),))] * 5
