"""Thirteen ways to run something that nobody approved, and one harmless change that is none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from pipeline.domain.plan import Approval, Plan, PlanRisk, PlanState, RiskLevel
from pipeline.domain.results import PlanningRecord
from pipeline.git import open_repository
from pipeline.paths import Places, UserPlaces
from pipeline.rehearsal.scripting import execute, plan, write
from pipeline.safety.gate import Gate
from pipeline.safety.policy import current_approver
from pipeline.settings import AutoRule, Settings
from pipeline.store.entries import Entry, PlanChanged, ToolDone
from pipeline.store.line import make_line
from tests.e2e.hands import commit_on_branch
from tests.e2e.night import Ended, Night

SCRIPT = (
    plan(files={"README.md": "modify", "{issue_id}.txt": "create"}, number=1)
    + plan(files={"again-{issue_id}.txt": "create"})
    + execute(edits=[write("README.md", "# More\n"), write("{issue_id}.txt", "new\n")])
)
ONE, TWO = "SOL-ISS-1-1", "SOL-ISS-2-1"
UNSIGNED = "its approval is not signed with this user's key for this repository"


def journal(night: Night) -> Path:
    return night.root / ".workflow" / "journal.jsonl"


def lines(night: Night) -> list[dict[str, dict[str, object]]]:
    return [orjson.loads(line) for line in journal(night).read_bytes().splitlines()]


def append(night: Night, entry: Entry, *, later: timedelta = timedelta()) -> None:
    """Append a line as the pipeline itself would write it, its hash chain whole."""
    raw = journal(night).read_bytes()
    last = orjson.loads(raw.splitlines()[-1])
    at = datetime.fromisoformat(last["at"]) + later
    line = make_line(entry, seq=last["seq"] + 1, at=at, prev=last["hash"], offset=len(raw))
    journal(night).write_bytes(raw + line.raw)


def record(night: Night, key: str) -> PlanningRecord:
    (found,) = [one for one in night.planned() if one["solution_id"] == key]
    return PlanningRecord.model_validate(found)


def envelope(night: Night, key: str = ONE) -> Plan:
    found = record(night, key).plan
    assert found is not None
    return found


def forge(night: Night, changed: Plan, key: str = ONE) -> None:
    append(night, PlanChanged(solution_id=key, event="approve", plan=changed, by="somebody"))


def signed(
    night: Night, plan: Plan | None = None, *, ago: int = 0, rule: AutoRule | None = None
) -> Approval:
    """Sign the first plan, or another envelope of it, with the true key, `ago` days before now."""
    repo = open_repository(night.root)
    places = Places(repo.root, UserPlaces.from_environment(), repo.git_dir)
    settings = Settings(rehearsal=True)
    gate = Gate(repo, places, settings, lambda: datetime.now(UTC) - timedelta(days=ago))
    shown = record(night, ONE).model_copy(update={"plan": plan or envelope(night)})
    return gate.sign(shown, after=(), approver=current_approver({}), rule=rule)


def approved(plan: Plan, approval: Approval | None) -> Plan:
    return plan.model_copy(update={"state": PlanState.APPROVED, "approval": approval})


def other_digest(night: Night) -> None:
    night.run("approve", ONE)
    forge(night, envelope(night).model_copy(update={"may_touch": ("**",)}))


def edited_document(night: Night) -> None:
    path = night.root / ".workflow" / "planning-results.json"
    document = orjson.loads(path.read_bytes())
    document["results"][0]["plan"]["state"] = "approved"
    document["results"][0]["plan"]["approval"] = signed(night).model_dump(mode="json")
    path.write_bytes(orjson.dumps(document))


def copied_approval(night: Night) -> None:
    night.add("ISS-2")
    night.run("plan")
    night.run("approve", TWO)
    forge(night, approved(envelope(night), envelope(night, TWO).approval))
    night.run("reject", TWO, "--reason", "only the copy is left")


def no_valid_hmac(night: Night) -> None:
    pending = envelope(night)
    forge(night, approved(pending, signed(night).model_copy(update={"mac": "0" * 64})))


def expired(night: Night) -> None:
    forge(night, approved(envelope(night), signed(night, ago=8)))


def role_too_low(night: Night) -> None:
    night.run("approve", ONE)
    places = UserPlaces.from_environment()
    places.config.mkdir(parents=True, exist_ok=True)
    (places.config / "config.toml").write_text('[roles]\nsomebody-else = "admin"\n')


def risk_rose(night: Night) -> None:
    """An earlier version took the plan for LOW, and a rule approved it."""
    low = envelope(night).model_copy(update={"risk": PlanRisk(level=RiskLevel.LOW)})
    rule = AutoRule(name="small", max_risk=RiskLevel.LOW)
    forge(night, approved(low, signed(night, low, rule=rule)))


def changed_file(night: Night) -> None:
    night.run("approve", ONE)
    commit_on_branch(night.root, night.branch, {"README.md": "# Mine\n"})


def deleted_file(night: Night) -> None:
    night.run("approve", ONE)
    commit_on_branch(night.root, night.branch, {}, gone=["README.md"])


def file_that_now_exists(night: Night) -> None:
    night.run("approve", ONE)
    commit_on_branch(night.root, night.branch, {"ISS-1.txt": "mine\n"})


def superseded(night: Night) -> None:
    night.run("approve", ONE)
    genuine = envelope(night)
    night.run("request-changes", ONE, "smaller")
    night.run("plan")
    forge(night, genuine)


def rejected(night: Night) -> None:
    night.run("approve", ONE)
    genuine = envelope(night)
    night.run("reject", ONE, "--reason", "no")
    forge(night, genuine)


def clock_set_back(night: Night) -> None:
    night.run("approve", ONE)
    done = ToolDone(role="executor", request_id="r", call_id="c", tool="t", is_error=False)
    append(night, done, later=timedelta(minutes=6))


@dataclass(frozen=True)
class Way:
    """How it is tried, and what has to be said and journaled."""

    act: Callable[[Night], None]
    reason: str
    journaled: str
    """A kind, or the event of a `plan_changed` line."""
    words: tuple[str, ...] = ("run",)
    code: int = 3


MOVED = "stale: changed since the plan was made: "

WAYS = [
    Way(other_digest, "its text or terms are not the ones that were approved", "expire"),
    Way(edited_document, "planning-results.json was edited by hand", "edited_by_hand"),
    Way(copied_approval, UNSIGNED, "expire"),
    Way(no_valid_hmac, UNSIGNED, "expire"),
    Way(expired, "its approval expired at", "expire"),
    Way(role_too_low, "it is MEDIUM and needs a reviewer", "expire"),
    Way(risk_rose, "its risk is MEDIUM now, and the rule 'small' approves up to LOW", "expire"),
    Way(changed_file, f"{MOVED}README.md", "drift"),
    Way(deleted_file, f"{MOVED}README.md", "drift"),
    Way(file_that_now_exists, f"{MOVED}ISS-1.txt", "drift"),
    Way(
        superseded,
        f"cannot execute {ONE}: it is superseded by SOL-ISS-1-2",
        "execution_refused",
        ("execute", ONE),
        1,
    ),
    Way(rejected, "its approval was taken back", "expire"),
    Way(clock_set_back, "the clock stands before the newest journal entry", "expire"),
]


def nothing_ran(night: Night) -> None:
    assert night.requests("executor") == []
    assert night.executed() == []
    assert "attempt_begun" not in {line["kind"] for line in lines(night)}
    log = [subject for subject in night.commits() if subject != "by hand"]
    assert log == []


def said(ended: Ended) -> str:
    return " ".join(ended.err.split())


@pytest.mark.parametrize("way", WAYS, ids=[way.act.__name__ for way in WAYS])
def test_what_nobody_approved_does_not_run(way: Way, tmp_path: Path) -> None:
    with Night(tmp_path / "repo", SCRIPT) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 3
        way.act(night)
        before = len(lines(night))

        ended = night.run(*way.words)

        assert ended.code == way.code, ended.err
        assert way.reason in said(ended)
        nothing_ran(night)
        written = lines(night)[before:]
        names = {line["kind"] for line in written} | {
            line["data"]["event"] for line in written if line["kind"] == "plan_changed"
        }
        assert way.journaled in names
        assert way.reason.removeprefix("stale: ") in orjson.dumps(written).decode() or (
            way.journaled in ("edited_by_hand", "execution_refused")
        )
        assert night.run("run").code == 3
        nothing_ran(night)


def test_white_space_in_the_stored_json_changes_nothing(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", SCRIPT) as night:
        night.add("ISS-1")
        night.run("plan")
        night.run("approve", ONE)
        path = night.root / ".workflow" / "planning-results.json"
        document = orjson.loads(path.read_bytes())
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n\n")

        ended = night.run("run")

        assert ended.code == 0, ended.err
        assert len(night.commits()) == 1
        assert "edited by hand" not in ended.err
