"""What is shown of one moment: whole, harmless, cut with care."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline import events as e
from pipeline.agents.tools.specs import KINDS
from pipeline.cli.live import wrapped
from pipeline.observe.happening import STAGES, WORDS, Happening
from pipeline.observe.left import estimate
from pipeline.observe.look import View
from pipeline.observe.panel import countdown, duration, fitted, panel, told
from pipeline.plans.layout import cells
from pipeline.store.now import Now
from pipeline.store.pace import NEWEST, Pace
from pipeline.store.row_changes import Row
from pipeline.store.run_info import RunInfo
from pipeline.store.summary import Ground, Summary

AT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
EVIL = "a\x1b[2J\x1b]0;owned\x07b\u202etxt\n\x9b31m宽"
ROWS = (
    Row("A", EVIL, "executing", "not started", None, "SOL-A-1"),
    Row("B", "b", "registered", "not started", None, None),
    Row("C", "c", "planned", "needs you", None, "SOL-C-1", waits=True),
    Row("D", "d", "completed", "landed", None, "SOL-D-1"),
)
USAGE: dict[str, int | float | str | None] = {"calls": 0}
BILL = {
    "run": {
        "spent": {"tokens": 240_000, "usd": 1.42, "unpriced": False},
        "held": {"tokens": 65_000, "usd": 0.61, "unpriced": False},
    },
    "days": {},
    "open": {},
    "seconds": 720.0,
}
PACE = {"planning": [240.0, 200.0, 900.0], "execution": [1080.0]}


def summary(**changes: object) -> Summary:
    ground = Ground("0", 0, "", (0, 0), 7)
    first = Summary(ground, ROWS, (), "R", "pipeline/R", USAGE, BILL, pace=PACE)
    return replace(first, **changes)  # type: ignore[arg-type]


def view(*happened: e.Event, **changes: object) -> View:
    """Return the view after these events, a minute after the last of them."""
    seen: list[Now] = [Now(7)]
    happening = Happening(seen[0], seen.append, lambda: AT - timedelta(minutes=1))
    for event in happened:
        happening(event)
    caps = {"tokens": 2_000_000, "usd": 20.0, "minutes": 480, "day_tokens": None, "day_usd": None}
    worker = RunInfo(7, 1, "2026-11-21T00:48:00Z", "here", caps=caps)
    return View(AT, summary(**changes), worker, seen[-1])


STARTED = e.AttemptStarted("A", "SOL-A-1", 1, EVIL, ("T1: parse", f"T2: show {EVIL}"))
WORKING = (
    STARTED,
    e.ToolCalled("executor", "A", "finish_task", "T1 done", is_error=False),
    e.Asking("executor", "A", 7),
    e.ToolStarted("executor", "A", "run_command", f"make {EVIL}"),
)


def texts(seen: View) -> list[str]:
    return [row.text for row in panel(seen)]


def test_a_moment_of_work_is_told_in_rows() -> None:
    rows = fitted(panel(view(*WORKING)), 200)

    assert [row.text for row in rows] == [
        "executing on pipeline/R, working (pid 7) for 1 h 12 min",
        "1 landed, 1 needs you, 2 left",
        "executor  A (SOL-A-1, 1 min): abtxt 宽",
        "          task 2 of 2, T2: show abtxt 宽",
        "          1 min (call 7): runs make abtxt 宽",
        "spent: $1.42 of $20.00 ($0.61 reserved, $17.97 left)",
        "       240,000 of 2,000,000 tokens (65,000 reserved, 1,695,000 left); "
        "12 of 480 minutes (468 left)",
        "left: 1 to plan, 1 to execute: about 22 min "
        "(medians here: 4 min to plan, of 3; 18 min to execute, of 1)",
        "1 plan waits for you: pipeline review",
    ]


@pytest.mark.parametrize("width", [1, 2, 17, 40, 79, 80, 160])
def test_no_row_is_wider_than_the_terminal_or_steers_it(width: int) -> None:
    paused = e.QuotaPaused(EVIL, AT + timedelta(hours=2))
    seen = view(*WORKING, paused, quotas={EVIL: "2026-11-21T04:14:00Z"}, branch=EVIL)
    rows = fitted(panel(seen), width, 6)

    assert len(rows) == 6
    assert all(row.text.isprintable() for row in rows)
    assert all(cells(row.text) <= max(width, 2) for row in rows)
    assert told(seen).isprintable()
    assert all(row.isprintable() and cells(row) <= 39 for row in wrapped(EVIL * 90, 40))
    assert len(wrapped("word " * 90, 40)) == 3


def test_there_is_no_estimate_where_nothing_was_done_before() -> None:
    found = view(*WORKING, pace={"planning": [240.0], "execution": []})

    assert estimate(found).seconds is None
    said = "left: 1 to plan, 1 to execute: no estimate, nothing was executed here yet"
    assert said in texts(found)


def test_where_nobody_works_the_first_row_says_what_carries_on() -> None:
    stopped = replace(view(), worker=None, now=None)
    assert texts(stopped)[0].endswith("on pipeline/R, not working: `pipeline run` carries on")
    assert texts(replace(stopped, summary=summary(rows=ROWS[2:])))[0].endswith("R, not working")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": ROWS[1:2]}, "idle on pipeline/R: `pipeline run` carries on"),
        ({"rows": ROWS[1:2], "run_id": None, "branch": None}, "idle: `pipeline run` begins"),
        ({"rows": (replace(ROWS[1], group="failed"),)}, "idle on pipeline/R"),
        ({"rows": (), "run_id": None, "branch": None}, "idle"),
        ({"rows": ROWS[3:], "run_id": None, "branch": None}, "complete, not working"),
    ],
)
def test_where_nobody_works_and_nobody_is_asked_the_phase_is_idle(
    changes: dict[str, object], said: str
) -> None:
    seen = View(AT, summary(**changes), None, None)
    assert texts(seen)[0] == said
    assert seen.phase in said


def test_several_plans_need_a_person_and_one_needs_one() -> None:
    several = (ROWS[2], replace(ROWS[2], id="E"))
    assert texts(view(rows=several))[1] == "2 need you"
    assert texts(view(rows=several[:1]))[1] == "1 needs you"


def test_a_plan_of_one_task_has_not_several() -> None:
    one = e.AttemptStarted("A", "SOL-A-1", 1, "x", ("T1: parse",))
    done = e.ToolCalled("executor", "A", "finish_task", "T1 done", is_error=False)
    assert "          its task is done" in texts(view(one, done))


def test_only_what_this_command_does_is_left() -> None:
    found = view()
    plans_alone = replace(found, now=Now(7, executes=False))

    assert [part.verb for part in estimate(found).parts] == ["plan", "execute"]
    assert [part.verb for part in estimate(plans_alone).parts] == ["plan"]


def test_a_pause_counts_down_and_stops_the_words() -> None:
    paused = e.QuotaPaused("openai", AT + timedelta(minutes=9))
    rows = texts(view(*WORKING, paused, quotas={"openai": "2026-11-21T02:09:05Z"}))

    assert "          waits" in rows
    assert any(row.endswith("(in 9 min 05 s)") for row in rows)
    assert "          waits" not in texts(view(*WORKING, paused, e.QuotaOver("openai")))


def test_an_outage_is_told_until_the_vendor_is_asked_again() -> None:
    outage = e.OutagePaused("openai", 90.0, "connection refused")

    wait = "openai cannot be reached, asked again in 30 s: connection refused"
    assert wait in texts(view(*WORKING, outage))
    assert wait not in texts(view(*WORKING, outage, e.Asking("executor", "A", 8)))


def test_what_the_pipeline_does_outside_of_turns_is_its_own() -> None:
    baseline = e.CommandStarted("baseline", "make test")

    own = "pipeline  tests of the untouched base: make test, 1 min"
    assert own in texts(view(baseline))
    landed = e.Landed("A", "SOL-A-1", "c" * 40, 1)
    assert own not in texts(view(baseline, *WORKING, landed))


def test_there_are_words_for_every_tool_and_stage() -> None:
    assert set(WORDS) == set(KINDS)
    assert set(STAGES) == {"baseline", "task", "acceptance", "suite"}


@pytest.mark.parametrize(
    ("seconds", "said", "still"),
    [
        (0, "0 s", "0 s"),
        (59.4, "59 s", "59 s"),
        (61, "1 min", "1 min 01 s"),
        (3599, "59 min", "59 min 59 s"),
        (7199, "1 h 59 min", "2 h 0 min"),
        (-5, "0 s", "0 s"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str, still: str) -> None:
    assert (duration(seconds), countdown(seconds)) == (said, still)


def test_turns_that_broke_off_or_waited_say_nothing_of_the_next_ones() -> None:
    pace = Pace()
    for failure in ("quota", "interrupted", "infrastructure", "budget"):
        pace.begin("planning", AT)
        pace.end("planning", AT + timedelta(seconds=9), failure)
    pace.begin("planning", AT)
    pace.drop()
    pace.end("planning", AT + timedelta(hours=9), None)
    assert pace.planning == []

    for seconds in range(NEWEST + 9):
        pace.begin("execution", AT)
        pace.end("execution", AT + timedelta(seconds=seconds), None)
    assert pace.execution[0] == 9
    assert len(pace.execution) == NEWEST
