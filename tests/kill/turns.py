"""`kill -9` in the middle of turns: what agents remember afterwards is what was journaled.

A night is begun again and again, and killed each time when the stand-in has been asked so many
times, or some milliseconds after that. Whatever is asked next has to begin with the same head, and
with the memory and the ledger that the journal has, byte for byte; what was spent never shrinks.

    python -m tests.kill.turns [KILLS] [SEED]
"""

import os
import random
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

from pipeline.paths import Places, UserPlaces
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.scripting import execute, plan, read, run_command, write
from pipeline.rehearsal.server import LoggedRequest
from pipeline.rehearsal.view import RequestView
from pipeline.store.entries import LedgerFolded, TurnSettled
from pipeline.store.journal import Journal
from pipeline.store.remembered import remembered
from pipeline.store.state import State
from pipeline.store.transcript_lines import read_lines
from tests.e2e.night import Night
from tests.e2e.started import Started

KILLS = 20
ROLES = ("planner", "executor")
OLD = 26
"""So many digests there are already, so that the ledger is folded while turns are killed."""
LONGEST_DELAY_S = 0.12
SCRIPT = plan(
    files={"work/{issue_id}.txt": "create"},
    tests=["grep -qx '{issue_id}' 'work/{issue_id}.txt'"],
    before=[read("app.py"), run_command("ls")],
) + execute(edits=[read("app.py"), write("work/{issue_id}.txt", "{issue_id}\n")])


@dataclass
class Moment:
    """When the process that works dies; asked for each request, in a thread of the stand-in."""

    left: int = 0
    """So many requests until then; 0 is never."""
    delay_s: float = 0.0
    process: Started | None = None

    def __call__(self, _view: RequestView) -> Fault | None:
        """Kill at the request whose turn it is; every request is answered as the script says."""
        self.left -= 1
        if self.left == 0 and self.process is not None:
            if self.delay_s:
                Timer(self.delay_s, self.process.kill).start()
            else:
                self.process.kill()
        return None


@dataclass
class Told:
    """What the trials came to."""

    kills: int = 0
    folds: int = 0
    compared: int = 0
    inside_a_turn: int = 0
    heads: dict[str, set[str]] = field(default_factory=lambda: {role: set() for role in ROLES})


def try_kills(folder: Path, *, kills: int = KILLS, seed: int = 0) -> Told:
    """Kill a night so many times; raises `AssertionError` when anything is forgotten."""
    chance, moment, told = random.Random(seed), Moment(), Told()
    os.environ["PIPELINE_LIMITS_PROVIDER_RETRIES"] = "0"
    with Night(folder / "repo", SCRIPT, faults=moment) as night:
        places = Places(night.root, UserPlaces.from_environment(), night.root / ".git")
        _grow_old(Journal(places))
        spent = 0
        while told.kills < kills:
            night.add(f"ISS-{told.kills}")
            before, asked = _state(places), len(night.stand_in.requests)
            spent = _not_less(spent, before)
            moment.left = chance.randint(1, 6)
            moment.delay_s = chance.choice((0.0, chance.uniform(0, LONGEST_DELAY_S)))
            moment.process = night.process("run", "--auto-approve", "CRITICAL")
            _, said = moment.process.communicate(timeout=60)
            code = moment.process.returncode
            told.kills += code == -9
            assert code in (-9, 0), said.decode()
            _compare(told, before, night.stand_in.requests[asked:])
            after = _state(places)
            told.inside_a_turn += after.open_planning is not None or after.open_attempt is not None
        before, asked = _state(places), len(night.stand_in.requests)
        moment.left = 0
        ended = night.run("run", "--auto-approve", "CRITICAL")
        assert ended.code == 0, ended.err
        _compare(told, before, night.stand_in.requests[asked:])
        _not_less(spent, _state(places))
        assert set(night.states().values()) == {"completed"}
        told.folds = sum(line.kind == "ledger_folded" for line in Journal(places).lines()) - 2
        for role in ROLES:
            _transcript_agrees(places, role)
            assert len(told.heads[role]) == 1, told.heads
    return told


def _grow_old(journal: Journal) -> None:
    """Let both agents remember as much as their ledger holds, and some memory before that."""
    for role in ROLES:
        for number in range(OLD):
            digest = f"OLD-{number} planned as SOL-OLD-{number}-1: é\nfiles: {'a/b.py, ' * 148}"
            entry = TurnSettled(
                role=role, request_id=f"OLD-{number}.1", issue_id=f"OLD-{number}", digest=digest
            )
            journal.append(entry)
        journal.append(LedgerFolded(role=role, memory="OLD-0 landed as 0123\nä", kept=OLD))


def _state(places: Places) -> State:
    return State.of(Journal(places).lines())


def _not_less(spent: int, state: State) -> int:
    assert state.spent.total_tokens >= spent, "what was spent has become less"
    return state.spent.total_tokens


def _compare(told: Told, before: State, requests: list[LoggedRequest]) -> None:
    """Hold the first request of each agent to what was journaled before its process began."""
    for role in ROLES:
        mine = [one for one in requests if one.agent == role and one.status == 200]
        told.heads[role] |= {one.head_sha256 for one in mine}
        if mine:
            expected = (before.memory[role], *before.ledger[role])
            assert mine[0].ledger == expected, f"{role}: not what was journaled"
            told.compared += 1


def _transcript_agrees(places: Places, role: str) -> None:
    found, state = remembered(read_lines(places.transcripts / f"{role}.jsonl")), _state(places)
    assert (found.memory, list(found.ledger)) == (state.memory[role], state.ledger[role])
    assert found.head_sha256 == state.spawned[role].head_sha256


def main(words: list[str]) -> int:
    """Try the kills that are asked for and say what they came to."""
    given = [int(word) for word in words]
    kills, seed = (*given, *(KILLS, 0)[len(given) :])
    with tempfile.TemporaryDirectory(prefix="pipeline-turns-") as folder:
        for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
            os.environ[f"XDG_{kind}_HOME"] = str(Path(folder) / "user" / kind.lower())
        told = try_kills(Path(folder), kills=kills, seed=seed)
    sys.stdout.write(
        f"{told.kills} kills, {told.inside_a_turn} of them inside a turn, {told.folds} folds; "
        f"{told.compared} first requests began with the journaled memory and ledger, "
        "one head for each agent, nothing spent was forgotten\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
