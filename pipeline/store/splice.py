"""Putting a plan's new envelope into the text of its record, without parsing either.

Both texts are written by our own models, with every field, in their order. In JSON a quotation mark
inside a string is escaped, so `,"plan":` can only be a key. The only free keys are the paths in an
approval's `files`, which stand inside the plan and whose values are no objects: so a search from
the back, which is short however large the solution is, finds where the plan begins and ends.
"""

import re

from pipeline.store.entries import PlanChanged
from pipeline.store.line import Line

_SOLUTION_ID = re.compile(rb'\{"solution_id":"([A-Za-z0-9._-]+)"')
_PLAN = b',"plan":'
_FEEDBACK = b',"feedback":'
_NO_FEEDBACK = b',"feedback":null,'
_FAILURE_CLASS = b',"failure_class":'
_OFFSET = b',"journal_offset":'


def changed_solution(line: Line) -> str:
    """Return which solution a `plan_changed` line is about."""
    found = _SOLUTION_ID.match(line.data)
    return found[1].decode() if found else _parsed(line).solution_id


def says_feedback(line: Line) -> bool:
    """Tell whether a `plan_changed` line carries feedback."""
    data = line.data
    return not data.startswith(_NO_FEEDBACK, data.rfind(_FEEDBACK))


def new_plan(line: Line) -> bytes:
    """Return the plan of a `plan_changed` line as JSON.

    An approval that is new in this line learns the line's offset.
    """
    data = line.data
    begin, end = data.find(_PLAN) + len(_PLAN), data.rfind(_FEEDBACK)
    if not len(_PLAN) <= begin < end:
        plan = _parsed(line).plan.model_dump_json().encode()
    else:
        plan = data[begin:end]
    return _with_offset(plan, line.offset)


def place_of_plan(record: bytes) -> tuple[int, int]:
    """Return where in a planning record's text its plan begins and ends."""
    begin = record.rfind(_PLAN + b"{")
    if begin < 0:  # no plan, so no approval: `null` is the only value it can have
        begin = record.find(_PLAN)
    return begin + len(_PLAN), record.rfind(_FAILURE_CLASS)


def _with_offset(plan: bytes, offset: int) -> bytes:
    key = plan.rfind(_OFFSET)
    value = key + len(_OFFSET)
    if key < 0 or not plan.startswith(b"null", value):
        return plan
    return b"%b%d%b" % (plan[:value], offset, plan[value + len(b"null") :])


def _parsed(line: Line) -> PlanChanged:
    entry = line.entry
    assert isinstance(entry, PlanChanged)
    return entry
