"""What is happening now as a few rows of text: for the live view and `pipeline status` alike.

executing on pipeline/20261121-203015-3f2a, working (pid 4711) for 1 h 12 min
4 landed, 1 needs you, 7 left
executor  ISS-4 (SOL-ISS-4-1, 4 min): Read dates with a time zone
          task 2 of 3, T2: Show the offset
          12 s (call 7): runs python3 -m unittest -q
spent: $1.42 of $20.00 ($0.61 reserved, $17.97 left)
       240,000 of 2,000,000 tokens (65,000 reserved); 12 of 480 minutes
left: 7 to plan, 1 to execute: about 46 min (medians here: 4 min to plan, of 11; ...)
1 plan waits for you: pipeline review

Every text of others is cleaned, and a row is cut, never wrapped. Times are in the reader's zone.
"""

from collections.abc import Iterator
from datetime import datetime

from pipeline.domain.counting import counted, plural
from pipeline.domain.group import Group
from pipeline.observe.left import Estimate, estimate
from pipeline.observe.look import IDLE, PAUSED, View
from pipeline.plans.layout import Row, cells, cut
from pipeline.plans.sanitize import clean
from pipeline.store.asked import What
from pipeline.store.balance import Balance
from pipeline.store.now import Pause, Turn
from pipeline.store.run_info import clock_time, waits_for_decisions

INDENT = 10
"""Cells of a role, and before what its turn does."""

SAID: dict[str, tuple[str, str]] = {
    Group.NEEDS_YOU: ("needs you", "need you"),
    Group.NOT_STARTED: ("left", "left"),
}
"""What is said of one issue in a group and of several, where it is not the group's name. What was
interrupted has been started, and is left all the same."""
DONE = {"plan": "planned", "execute": "executed"}


def panel(view: View) -> list[Row]:
    """Return the rows of a view, the most telling ones first where there is no room for all."""
    return [
        Row(_head(view), "title"),
        Row(_counts(view)),
        *_asked(view),
        *_doing(view),
        *_waits(view),
        *_spent(view),
        *_left(view),
        *_for_you(view),
    ]


def told(view: View) -> str:
    """Return the view as one line without anything that only counts up or down."""
    head = f"{view.phase}: {_counts(view)}"
    turns = view.now.turns if view.now else {}
    doing = [f"{role} {turn.issue_id}: {turn.doing}" for role, turn in turns.items()]
    quotas = [f"waits for the quota of {provider}" for provider in view.summary.quotas]
    own = [f"pipeline: {view.now.doing}"] if view.now and view.now.doing else []
    own += [row.text for row in _asked(view)]
    return clean("; ".join([head, *doing, *own, *quotas]), one_line=True)


def fitted(rows: list[Row], width: int, height: int | None = None) -> list[Row]:
    """Return the rows cut to `width` cells; of too many the first `height`."""
    shown = rows if height is None else rows[:height]
    return [Row(shortened(row.text, width), row.style) for row in shown]


def shortened(text: str, width: int) -> str:
    """Return `text` on one line of `width` cells, with an ellipsis where something is missing."""
    flat = clean(text).replace("\n", " ").replace("\t", " ")
    if cells(flat) <= width:
        return flat
    return cut(flat, max(width - 1, 1))[0].rstrip() + "…"


def duration(seconds: float) -> str:
    """Return a duration as people say it: `12 s`, `4 min`, `2 h 14 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def countdown(seconds: float) -> str:
    """Return how long it still is: to the second in the last hour."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    if whole >= 3600:
        hours, minutes = divmod(-(-whole // 60), 60)
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _since(view: View, moment: str) -> float:
    return (view.at - datetime.fromisoformat(moment)).total_seconds() if moment else 0.0


def _head(view: View) -> str:
    where = f" on {view.summary.branch}" if view.summary.branch else ""
    worker = view.worker
    if worker is None:
        goes_on = "carries on" if view.summary.run_id else "begins"
        more = f": `pipeline run` {goes_on}" if estimate(view).parts else ""
        idle = "" if view.phase == IDLE else ", not working"
        return f"{view.phase}{where}{idle}{more}"
    if worker.waits_until:
        return f"gate{where}, {waits_for_decisions(worker.waits_until)} (pid {worker.pid})"
    since = worker.paused_since if view.phase == PAUSED else worker.started_at
    for_so_long = duration(_since(view, since or ""))
    working = "" if view.phase == PAUSED else ", working"
    return f"{view.phase}{where}{working} (pid {worker.pid}) for {for_so_long}"


def _counts(view: View) -> str:
    counts = view.counts
    said = [_counted(counts[group], group) for group in Group if counts[group]]
    return ", ".join(said) or "the backlog is empty: pipeline add, pipeline import"


def _counted(number: int, group: Group) -> str:
    return f"{number} {said_of(group, number)}"


def said_of(group: str, number: int = 1) -> str:
    """Return what is said of so many issues in a group."""
    return SAID.get(group, (group, group))[number != 1]


def _doing(view: View) -> Iterator[Row]:
    """Say what each agent is at, and what the pipeline does by itself."""
    now = view.now
    if now is None:
        return
    for role, turn in now.turns.items():
        yield from _turn(view, role, turn)
    if now.doing:
        yield Row(f"{'pipeline':<{INDENT}}{now.doing}, {duration(_since(view, now.since))}")


def _turn(view: View, role: str, turn: Turn) -> Iterator[Row]:
    known = [turn.solution_id] if turn.solution_id else []
    known += [f"turn {turn.attempt}"] if turn.attempt > 1 else []
    known.append(duration(_since(view, turn.began)))
    yield Row(f"{role:<{INDENT}}{turn.issue_id} ({', '.join(known)}): {turn.title}", "head")
    if task := turn.task:
        place = len(turn.finished) + 1
        yield Row(f"{'':<{INDENT}}task {place} of {len(turn.tasks)}, {task}")
    elif turn.tasks:
        number = len(turn.tasks)
        done = "its task is done" if number == 1 else f"all {number} tasks are done"
        yield Row(f"{'':<{INDENT}}{done}")
    if view.now is not None and view.now.pause is not None:
        yield Row(f"{'':<{INDENT}}waits")
    elif turn.doing:
        call = f" (call {turn.call})" if turn.call else ""
        so_long = duration(_since(view, turn.since))
        yield Row(f"{'':<{INDENT}}{so_long}{call}: {turn.doing}")


def _asked(view: View) -> Iterator[Row]:
    """Say what a person asked of the run, and whether it has come to that."""
    asked = view.asked
    if asked is None:
        return
    at = clock_time(datetime.fromisoformat(asked.at))
    since = view.worker.paused_since if view.worker else None
    if asked.what is not What.PAUSE:
        yield Row(f"{asked.by} asked at {at} to {asked.what}", "warn")
    elif since is None:
        yield Row(f"{asked.by} asked at {at} to pause: after what is under way", "warn")
    else:
        at = clock_time(datetime.fromisoformat(since))
        yield Row(f"paused by {asked.by} since {at}: pipeline resume, pipeline stop", "warn")


def _waits(view: View) -> Iterator[Row]:
    """Say which vendors cannot be asked, until when, and what happens then."""
    for provider, until in view.summary.quotas.items():
        yield Row(_quota(view, provider, until), "warn")
    pause = view.now.pause if view.now else None
    if pause is not None and pause.kind == "outage":
        yield Row(_outage(view, pause), "warn")


def _quota(view: View, provider: str, until: str | None) -> str:
    if until is None:
        return f"the quota of {provider} is used up, with no reset time: `pipeline run` asks again"
    moment = datetime.fromisoformat(until)
    left = (moment - view.at).total_seconds()
    when = f"{clock_time(moment)} ({f'in {countdown(left)}' if left > 0 else 'which has passed'})"
    if view.worker is not None:
        return f"the run waits for the quota of {provider} until {when}"
    return f"the quota of {provider} is used up until {when}: then `pipeline run`"


def _outage(view: View, pause: Pause) -> str:
    left = -_since(view, pause.until) if pause.until else 0.0
    return f"{pause.provider} cannot be reached, asked again in {countdown(left)}: {pause.reason}"


def _spent(view: View) -> Iterator[Row]:
    """Say what is spent, in as many rows at the beginning of a run as at its end."""
    found = view.balance
    run, day = found["run"], found["day"]
    unknown = " and what has no known price" if run["price_unknown"] else ""
    yield Row(f"spent: {_share(run['usd'], '${:.2f}')}{unknown}")
    tokens = _share(run["tokens"], "{:,}", "token")
    yield Row(f"       {tokens}; {_share(run['minutes'], '{:.0f}', 'minute')}")
    if day["usd"]["cap"] is not None or day["tokens"]["cap"] is not None:
        today = f"{_share(day['usd'], '${:.2f}')}, {_share(day['tokens'], '{:,}', 'token')}"
        yield Row(f"today: {today}; all runs, day in UTC")
    if view.worker is None and view.summary.caps_end:
        yield Row("       by the flags of the last command: the next one has its own", "quiet")


def _share(share: Balance, form: str, noun: str = "") -> str:
    said, last = form.format(share["spent"]), share["spent"]
    if share["cap"] is not None:
        said, last = f"{said} of {form.format(share['cap'])}", share["cap"]
    unit = f" {plural(round(last), noun)}" if noun else ""
    more = [f"{form.format(share['reserved'])} reserved"] if share["reserved"] else []
    more += [f"{form.format(share['left'])} left"] if share["left"] is not None else []
    return f"{said}{unit}" + (f" ({', '.join(more)})" if more else "")


def _left(view: View) -> Iterator[Row]:
    """Say what this process still has to do, and how long that takes by this repository's past."""
    found = estimate(view)
    if not found.parts:
        return
    what = ", ".join(f"{part.count} to {part.verb}" for part in found.parts)
    yield Row(f"left: {what}: {_how_long(found)}", "quiet")


def _how_long(found: Estimate) -> str:
    for part in found.parts:
        if part.median_s is None:
            return f"no estimate, nothing was {DONE[part.verb]} here yet"
    by = "; ".join(f"{duration(p.median_s or 0)} to {p.verb}, of {p.measured}" for p in found.parts)
    return f"about {duration(found.seconds or 0)} (medians here: {by})"


def _for_you(view: View) -> Iterator[Row]:
    """Say what waits for a person, and the command to type."""
    for hold in view.summary.holds:
        yield Row(hold, "warn")
    needs = [row for row in view.summary.rows if row.group == Group.NEEDS_YOU]
    plans = sum(row.waits for row in needs)
    asked = sum(row.state == "parked" for row in needs)
    said = [counted(plans, "plan")] if plans else []
    said += [f"{asked} with questions"] if asked else []
    if said:
        wait = "waits" if plans + asked == 1 else "wait"
        yield Row(f"{' and '.join(said)} {wait} for you: pipeline review", "warn")
