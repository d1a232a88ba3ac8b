"""The rehearsal itself: an evening and a night on the stage, one process after the other.

plan -> decisions -> somebody else's commit -> run -> run (after a kill, a pause) -> ... -> end
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import orjson
from pydantic import JsonValue

from pipeline import git
from pipeline.app.project import Project
from pipeline.cli.rehearse_inside import Order
from pipeline.cli.rehearse_stage import Stage, commit_by_hand
from pipeline.domain.plan import RiskLevel
from pipeline.domain.results import PlanningRecord
from pipeline.events import EventBus
from pipeline.plans.project import detect_project
from pipeline.rehearsal.improvised import COMMENTS, Errand, improvise, remark
from pipeline.rehearsal.night import Deed, Night, NightFault
from pipeline.rehearsal.server import StandIn
from pipeline.store.book import Book
from pipeline.store.state import State

SILENCE_S = 2
"""How long a model may say nothing here, where `limits.silence_seconds` allows minutes."""
FLAKY_TEST = "test_now_and_then (rehearsal.Flaky.test_now_and_then)"
ONCE = "if read -rt 0.05 < '{pipe}'; then echo 'FAIL: {test}'; exit 1; fi\n"
"""Fails when there is a line for it; whoever takes the line takes it from all others."""
MOST_PROCESSES = 40
LARGEST_TEXT = 16_000
"""Bytes: `read_file` shows it whole."""
KILLED = 128 + 9
AGAIN = (3, 75, KILLED)
"""Exit codes after which the same command is typed again: plans waited, a quota, a kill."""
MENDED = 1
"""After a fault of the rehearsal's own this one too: its cause is gone."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Played:
    """One process of the rehearsal, and how it ended."""

    command: str
    """What a person would have typed."""
    code: int
    began: float
    ended: float
    said: str
    """Its last words, where something has to be mended."""
    events: tuple[Event, ...]


@dataclass
class Rehearsed:
    """What the rehearsal left to look at."""

    night: Night
    state: State
    todo: Mapping[str, Errand]
    played: list[Played] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """Every record that was ever there."""
    chain: str | None = None
    """What is wrong with the journal; None: nothing."""


Tell = Callable[[str], None]


def rehearse(
    stage: Stage,
    project: Project,
    todo: Mapping[str, Errand],
    faults: Sequence[NightFault],
    *,
    given: Mapping[str, object],
    auto_approve: RiskLevel | None,
    tell: Tell,
) -> Rehearsed:
    """Play the evening and the night; `given` are the settings of tonight's flags."""
    began = time.monotonic()
    deeds: dict[NightFault, Deed] = {
        "disk-full": stage.fill_disk,
        "crash": stage.kill,
        "flaky-tests": stage.arm,
    }
    night = Night(
        faults,
        len(todo),
        deeds,
        lambda: time.monotonic() - began,
    )
    done = Rehearsed(night, State(), todo)
    with StandIn(improvise(todo), faults=night) as server:
        flags = _settings(stage, project, server.url, faults) | dict(given)

        def play(command: str, *, execution: bool) -> Played:
            order = Order(
                root=str(stage.root),
                pid_file=str(stage.pid_file),
                flags=flags,
                execution=execution,
                auto_approve=auto_approve,
            )
            started, struck = night.clock(), len(night.strikes)
            small = execution and "disk-full" in night.left()
            ended = stage.play(order, small_disk=small)
            played = Played(
                command,
                ended.exit_code,
                started,
                night.clock(),
                _last_words(ended.output),
                tuple(_events(ended.errors)),
            )
            done.played.append(played)
            _look(stage, done)
            for strike in night.strikes[struck:]:
                tell(f"  {strike.fault} strikes: {strike.during}")
            seconds = played.ended - played.began
            tell(f"$ {command:<16} exit {played.code}, {seconds:.1f} s{_mend(played)}")
            return played

        play("pipeline plan", execution=False)
        night.issues = max(1, len(_plans(done.state)))
        if "drift" in night.left():
            _drift(stage, done, tell)
        _work(done, lambda: play("pipeline run", execution=True))
    return done


def _work(done: Rehearsed, run: Callable[[], Played]) -> None:
    """Type `pipeline run` until nothing is left to do that the night itself does."""
    while len(done.played) < MOST_PROCESSES:
        struck, seen = len(done.night.strikes), len(done.seen)
        played = run()
        hit = len(done.night.strikes) > struck
        if played.code not in AGAIN and not (hit and played.code == MENDED):
            return
        if not hit and len(done.seen) == seen:
            return


def _drift(stage: Stage, done: Rehearsed, tell: Tell) -> None:
    """Let somebody commit on the run's branch, on a file of the plan that is carried out last."""
    plans, run = _plans(done.state), done.state.run
    if not plans or run is None:
        return
    issue_id = plans[-1].issue_id
    path = done.todo[issue_id].path
    commit_by_hand(
        stage.clone, run.branch, path, remark(path, "somebody else was here"), stage.folder
    )
    done.night.strike("drift", issue_id, f"after the approval of {issue_id}")
    tell(f"  drift strikes: {done.night.strikes[-1].during}, on {path}")


def _plans(state: State) -> list[PlanningRecord]:
    """Return the plans that there are, in the order in which they were made."""
    found = [state.planning[key] for key in state.planning]
    return [one for one in found if one.solution_id and one.plan]


def _look(stage: Stage, done: Rehearsed) -> None:
    """Read what is in the records now."""
    book = Book(stage.places, EventBus())
    done.state = book.state
    done.seen |= {*book.state.planning, *book.state.execution}
    try:
        book.verify()
        done.chain = None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it is what is told
        done.chain = str(error)


def _settings(
    stage: Stage, project: Project, url: str, faults: Sequence[NightFault]
) -> dict[str, JsonValue]:
    """Return what is set here and not tonight: the stand-in, who decides, what faults need."""
    settings = project.settings
    wanted: dict[str, JsonValue] = {
        "run.rehearsal": True,
        "gate.wait": 0,
        "roles": {},
        "policy.required": {},
    }
    for role, agent in (("planner", settings.planner), ("executor", settings.executor)):
        wanted[f"{role}.base_url"] = url if agent.provider == "anthropic" else f"{url}/v1"
    if "hang" in faults:
        wanted["limits.silence_seconds"] = SILENCE_S
    command = test_command(project, git.head_commit(stage.clone))
    if "flaky-tests" in faults and command:
        wanted["tests.command"] = ONCE.format(pipe=stage.armed, test=FLAKY_TEST) + command
        wanted["sandbox.read"] = [*settings.sandbox.read, str(stage.armed.parent)]
    return wanted


def test_command(project: Project, base: str) -> str | None:
    """Return how the project is tested: the setting, else what its files at the base show."""
    found = detect_project(
        lambda path: git.show_file(project.repo, base, path), git.list_files(project.repo, base)
    )
    return project.settings.tests.command or found.test_command


def small_texts(repo: git.Repository, base: str) -> list[str]:
    """Return the files of a commit that a remark can be added to."""
    known = [path for path in git.list_files(repo, base) if PurePosixPath(path).suffix in COMMENTS]
    blobs = git.blobs_at(repo, base, known)
    sizes = git.blob_sizes(repo, [blob for blob in blobs.values() if blob])
    return [path for path in known if 0 < sizes.get(blobs[path] or "", 0) <= LARGEST_TEXT]


def _events(errors: bytes) -> list[Event]:
    """Return the events among the lines; whatever else was printed is left out."""
    return [orjson.loads(line) for line in errors.splitlines() if line.startswith(b'{"at"')]


def _last_words(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def _mend(played: Played) -> str:
    return f": {played.said}" if played.said else ""
