"""A lane: one repository that is put back, killed, resumed and looked at, again and again."""

import json
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import orjson

from pipeline.domain.base import utc_now
from pipeline.domain.plan import PlanState
from pipeline.paths import Places, UserPlaces
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.server import StandIn
from pipeline.store.journal import Journal
from pipeline.store.state import State
from tests.builders import GIT_ENVIRONMENT, make_repository
from tests.kill import driver, scenario
from tests.kill.story import Story

TAKEN_AWAY = ("PIPELINE_", "GIT_", "ANTHROPIC_", "OPENAI_", "XDG_")
PATIENCE_S = 60.0
KILLED = -9
UNDONE = "rolled_back"
ROUNDS = 10
"""So many commands bring any interrupted story to its end, or something is wrong."""

Records = list[dict[str, object]]


class Wrong(AssertionError):
    """Something that must hold after a kill does not."""


@dataclass(frozen=True)
class Ended:
    """How one command ended."""

    words: tuple[str, ...]
    code: int
    points: tuple[str, ...]
    out: str
    err: str

    @property
    def was_killed(self) -> bool:
        """Tell whether it died of SIGKILL."""
        return self.code == KILLED


class Lane:
    """The folders of one lane, their saved states, and the commands that are typed there."""

    def __init__(self, base: Path, story: Story = scenario.STORY) -> None:
        self.story = story
        self.base = base.resolve()
        self.live = self.base / "live"
        self.root = self.live / "repo"
        self.workflow = self.root / ".workflow"
        self._saved = self.base / "saved"
        self._output = self.base / "output"
        self._stand_in: StandIn | None = None
        self.patience_s = PATIENCE_S
        """A command that takes longer hangs."""
        self.starts: list[datetime] = []
        """When commands were started here (UTC)."""
        self._output.mkdir(parents=True)
        make_repository(self.root, story.project)

    @property
    def places(self) -> Places:
        """Return where things are; the user's folders do not matter."""
        return Places(self.root, UserPlaces.from_environment(), self.root / ".git")

    def save(self, name: str) -> None:
        """Keep the lane's state under a name."""
        shutil.copytree(self.live, self._saved / name, symlinks=True)

    def restore(self, name: str) -> None:
        """Put the state of that name back, at the same place."""
        shutil.rmtree(self.live)
        shutil.copytree(self._saved / name, self.live, symlinks=True)

    @contextmanager
    def models(self, faults: Sequence[Fault] = ()) -> Iterator[StandIn]:
        """Serve the models of the story while inside."""
        with StandIn(self.story.script(), faults=faults) as stand_in:
            self._stand_in = stand_in
            yield stand_in
        self._stand_in = None

    def run(
        self,
        *words: str,
        kill_at: int = 0,
        spared: frozenset[str] | None = None,
        kill_after_s: float | None = None,
        grain: driver.Grain = "probes",
        watch: Path | None = None,
    ) -> Ended:
        """Run one command to its end, to its death at a point, or to a `kill -9` after a time.

        It dies at point number `kill_at`, or at the first point whose name is not `spared`.
        `watch` is the socket of a watcher of its system calls.
        """
        if words == (scenario.EDIT,):
            self._edit()
            return Ended(words, 0, (), "", "")
        order = driver.Order(
            words, self.root, self.environment(), self._output, kill_at, spared, grain, watch
        )
        for left_over in self._output.iterdir():
            left_over.unlink()
        self.starts.append(utc_now())
        process = driver.start(order)
        process.join(self.patience_s if kill_after_s is None else kill_after_s)
        hangs = process.exitcode is None and kill_after_s is None
        if process.exitcode is None:
            _kill_group(process)
            process.join()
        code = process.exitcode
        process.close()
        told = [
            path.read_text() if (path := self._output / name).exists() else ""
            for name in ("points", "out", "err")
        ]
        ended = Ended(words, code or 0, tuple(told[0].splitlines()), told[1], told[2])
        if hangs:
            raise Wrong(f"{_name(words)} hangs: {ended.err[-500:]}")
        return ended

    def must(self, *words: str, codes: Sequence[int] = (0,)) -> Ended:
        """Run one command that has to end with one of `codes`."""
        ended = self.run(*words)
        if ended.code not in codes:
            raise Wrong(f"{_name(words)} ended with {ended.code}: {ended.err[-500:]}")
        return ended

    def finish(self, *, set_up: bool = False) -> None:
        """Type `pipeline run` until nothing is left, deciding as in the story.

        With `set_up` what is missing of `init` and the backlog is made first.
        """
        if set_up:
            self._set_up()
        for _ in range(ROUNDS):
            code = self.must(*self.story.run, codes=(0, 3, 4, 75)).code
            if code == 0 or (code == 4 and not self.story.retried):
                return self._undo()
            if code == 3:
                self._decide()
            if code == 4:
                self.must("retry", self.story.retried)
        raise Wrong(f"`pipeline run` comes to no end within {ROUNDS} rounds")

    def _set_up(self) -> None:
        self.must("init")
        there = self.states()
        for words in self.story.set_up[1:]:
            if words[words.index("--id") + 1] not in there:
                self.must(*words)

    def _undo(self) -> None:
        """Roll back what the story takes back and is not undone yet."""
        undone = [r["solution_id"] for r in self.document("execution") if r["status"] == UNDONE]
        for name in self.story.undone:
            if name not in undone:
                self.must("rollback", name)

    def waiting(self) -> list[str]:
        """Return the plans that wait for a decision, as the journal has it."""
        state = State.of(Journal(self.places).lines())
        names = {record.issue_id for record in state.planning.values()} - state.replan
        current = [one for name in sorted(names) if (one := state.current(name)) is not None]
        return [one.key for one in current if one.plan and one.plan.state is PlanState.PENDING]

    def _decide(self) -> None:
        if State.of(Journal(self.places).lines()).checkpoint is not None:
            self.must("confirm")
        waiting = self.waiting()
        refused = [name for name in waiting if self._is_refused(name)]
        approved = [name for name in waiting if name not in refused]
        if approved:
            self.must("approve", *approved)
        for name in refused:
            self.must("reject", name)

    def _is_refused(self, name: str) -> bool:
        return bool(self.story.refused) and name.startswith(self.story.refused)

    def _edit(self) -> None:
        """Take a plan out of the document, and change words of another one."""
        path = self.workflow / "planning-results.json"
        document = orjson.loads(path.read_bytes())
        kept = [one for one in document["results"] if one["issue_id"] != "ISS-D"]
        kept[0]["solution"]["title"] = "what no agent said"
        path.write_bytes(orjson.dumps({**document, "results": kept}))

    def states(self) -> dict[str, str]:
        """Return issue id -> state."""
        rows = json.loads(self.must("issues", "--json").out)
        return {row["id"]: row["status"] for row in rows}

    def document(self, phase: str) -> Records:
        """Return the records of a results document; [] when there is none."""
        path = self.workflow / f"{phase}-results.json"
        if not path.exists():
            return []
        document = orjson.loads(path.read_bytes())
        if document["phase"] != phase:
            raise Wrong(f"{path.name} is of phase {document['phase']!r}")
        return list(document["results"])

    def environment(self) -> dict[str, str]:
        """Return the environment of a command typed here."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(TAKEN_AWAY)}
        found = kept | GIT_ENVIRONMENT
        for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
            found[f"XDG_{kind}_HOME"] = str(self.live / "user" / kind.lower())
        found |= {"PIPELINE_RUN_REHEARSAL": "true", **self.story.settings}
        if self._stand_in is not None:
            found |= {
                "PIPELINE_PLANNER_PROVIDER": "anthropic",
                "PIPELINE_PLANNER_BASE_URL": self._stand_in.url,
                "PIPELINE_EXECUTOR_PROVIDER": "openai",
                "PIPELINE_EXECUTOR_BASE_URL": f"{self._stand_in.url}/v1",
            }
        return found


def _kill_group(process: ForkServerProcess) -> None:
    try:
        os.killpg(process.pid or 0, signal.SIGKILL)
    except ProcessLookupError:  # it has not made its group yet
        process.kill()


def _name(words: Sequence[str]) -> str:
    return f"`pipeline {' '.join(words)}`"
