"""How long `--help`, `status` and an import of 500 issues take over a bare interpreter.

    python bench/startup.py [--issues 1000] [--rounds 15]

Makes a repository whose journal holds `--issues` finished issues (with the entries of their model
calls and tools between the records), then times all commands in turn, so that a slow moment of the
machine meets each of them. Prints the median of each and the difference to the bare interpreter;
exits 1 when a difference is over its limit.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.domain.base import utc_now
from pipeline.domain.plan import Budget, Plan, PlanRisk, PlanState, RiskLevel
from pipeline.domain.results import (
    Commit,
    ExecutionRecord,
    ExecutionStatus,
    PlanningRecord,
    PlanningStatus,
    Usage,
)
from pipeline.domain.solution import FileAction, FileChange, Solution, Task
from pipeline.events import EventBus
from pipeline.git import open_repository
from pipeline.paths import Places, UserPlaces
from pipeline.store import entries
from pipeline.store.book import Book
from pipeline.store.journal import Journal

LIMIT_S = 0.3
IMPORT, IMPORT_LIMIT_S = "pipeline import, 500 issues", 2.0
CALLS_PER_TURN = 12
TEXT = "What changes, and why it is done in this way and not in another one. " * 8


def history(issues: int) -> Iterator[entries.Entry]:
    """Yield the journal entries of a run with `issues` landed issues."""
    yield entries.RunOpened(
        run_id="bench", branch="pipeline/bench", base_commit="0" * 40, sandbox="bwrap"
    )
    for number in range(1, issues + 1):
        yield from one_issue(f"ISS-{number:04d}")


def one_issue(issue_id: str) -> Iterator[entries.Entry]:
    """Yield the entries of one issue, planned and landed."""
    solution_id, now, request_id = f"SOL-{issue_id}-1", utc_now(), f"{issue_id}.1"
    usage = Usage(model="bench", calls=1, input_tokens=900, output_tokens=300, usd=0.01)
    yield entries.PlanningBegun(
        issue_id=issue_id, attempt=1, request_id=request_id, base_commit="0" * 40
    )
    yield from calls("planner", request_id, usage)
    plan = Plan(
        state=PlanState.PENDING,
        risk=PlanRisk(level=RiskLevel.MEDIUM, reasons=("it changes files",)),
        budget=Budget(),
        created_at=now,
        created_by="bench",
        updated_at=now,
    )
    files = tuple(
        FileChange(path=f"src/{issue_id}/{n}.py", action=FileAction.MODIFY, change=TEXT)
        for n in range(4)
    )
    task = Task(id="T1", title="do it", description=TEXT, files=files, tests=("true",))
    solution = Solution(
        solution_id=solution_id,
        issue_id=issue_id,
        title=f"what {issue_id} asks for",
        goal=TEXT,
        approach=TEXT,
        tasks=(task,),
    )
    yield entries.PlanRecorded(
        record=PlanningRecord(
            issue_id=issue_id,
            solution_id=solution_id,
            status=PlanningStatus.COMPLETED,
            solution=solution,
            planned_at=now,
            base_commit="0" * 40,
            plan=plan,
            usage=usage,
        )
    )
    approved = plan.model_copy(update={"state": PlanState.APPROVED})
    yield entries.PlanChanged(solution_id=solution_id, event="approve", plan=approved)
    yield entries.AttemptBegun(
        execution_result_id=f"EXR-{issue_id}-1",
        issue_id=issue_id,
        solution_id=solution_id,
        run_id="bench",
        attempt=1,
        attempt_id=f"nonce-{issue_id}",
        base_commit="0" * 40,
    )
    yield from calls("executor", request_id, usage)
    yield entries.AttemptRecorded(
        record=ExecutionRecord(
            execution_result_id=f"EXR-{issue_id}-1",
            issue_id=issue_id,
            solution_id=solution_id,
            run_id="bench",
            attempt_id=f"nonce-{issue_id}",
            status=ExecutionStatus.COMPLETED,
            commit_hash="1" * 40,
            commits=(Commit(hash="1" * 40, message=TEXT),),
            files_modified=tuple(change.path for change in files),
            executed_at=now,
            usage=usage,
        )
    )


def calls(role: str, request_id: str, usage: Usage) -> Iterator[entries.Entry]:
    """Yield the entries of one turn's model calls and tools."""
    for number in range(CALLS_PER_TURN):
        call = f"call-{number}"
        yield entries.CallBegun(
            role=role, request_id=request_id, reserved_tokens=65_000, reserved_usd=1.0
        )
        yield entries.CallSettled(role=role, request_id=request_id, usage=usage)
        yield entries.ToolBegun(role=role, request_id=request_id, call_id=call, tool="run_command")
        yield entries.ToolDone(role=role, request_id=request_id, call_id=call, is_error=False)


def make_repository(folder: Path, issues: int) -> None:
    """Make a repository with one commit, a backlog of `issues` and their history."""
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
    subprocess.run([*git, "init", "-q", "-b", "main"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "start"], cwd=folder, check=True)
    subprocess.run(command("init"), cwd=folder, check=True, capture_output=True)
    repo = open_repository(folder)
    places = Places(repo.root, UserPlaces.from_environment(), repo.git_dir)
    backlog = "".join(
        f'{{"id":"ISS-{n:04d}","title":"issue number {n}"}}\n' for n in range(1, issues + 1)
    )
    places.issues_file.write_text(backlog)
    Journal(places).begin_with(history(issues))
    Book(places, EventBus()).start(lambda _commit: True)


def many_issues(folder: Path) -> Path:
    """Write 500 issues as `gh issue list --json` gives them; all but the first import update."""
    path, url = folder / "issues.json", "https://github.com/acme/shop/issues"
    issues = [
        {"number": n, "title": f"number {n}", "body": f"{TEXT * 20}\n\nblocked by #{n - 1}"}
        | {"url": f"{url}/{n}", "labels": [{"name": "bug"}], "state": "OPEN"}
        for n in range(1, 501)
    ]
    path.write_text(json.dumps(issues))
    return path


def command(*words: str) -> list[str]:
    """Return the console script of this interpreter's environment with `words`."""
    return [str(Path(sys.executable).parent / "pipeline"), *words]


def seconds(words: list[str], folder: Path) -> float:
    """Run `words` once and return its wall time."""
    begun = time.perf_counter()
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> int:
    """Measure, print the table, return the exit code."""
    options = argparse.ArgumentParser(description="start-up time over a bare interpreter")
    options.add_argument("--issues", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=15)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="pipeline-bench-") as name:
        folder = Path(name) / "repository"
        folder.mkdir()
        for kind in ("STATE", "CACHE", "CONFIG"):
            os.environ[f"XDG_{kind}_HOME"] = str(Path(name) / kind.lower())
        make_repository(folder, chosen.issues)
        kinds = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "pipeline --help": command("--help"),
            f"pipeline status, {chosen.issues:,} issues": command("status"),
            IMPORT: command("import", "--github-json", str(many_issues(folder.parent))),
        }
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(chosen.rounds):
            for name, words in kinds.items():
                taken[name].append(seconds(words, folder))
    return table(taken)


def table(taken: dict[str, list[float]]) -> int:
    """Print the medians; return 1 when one is over the limit."""
    medians = {name: statistics.median(times) for name, times in taken.items()}
    bare = medians["python -c pass"]
    width = max(map(len, medians))
    for name, median in medians.items():
        over = "" if name == "python -c pass" else f"  {median - bare:+.3f} s over a bare python"
        print(f"{name:<{width}}  {median:.3f} s{over}")
    limits = dict.fromkeys(medians, LIMIT_S) | {IMPORT: IMPORT_LIMIT_S}
    slow = [name for name, median in medians.items() if median - bare > limits[name]]
    said = f"too slow: {', '.join(slow)}" if slow else "kept"
    print(f"limit: {LIMIT_S} s over, for the import {IMPORT_LIMIT_S} s; {said}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
