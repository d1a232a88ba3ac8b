"""What the journal's lines come to."""

import time
from pathlib import Path

from pipeline.domain.issue import Feedback
from pipeline.domain.plan import PlanState
from pipeline.domain.results import ExecutionStatus, Usage
from pipeline.store import entries as e
from pipeline.store.book import Book
from pipeline.store.journal import Journal
from tests.store import builders as make


def words(text: str) -> Feedback:
    return Feedback(type="changes", stage="gate", content=text, created_at=make.NOW)


def book_of(root: Path, *entries: e.Entry) -> Book:
    """Record `entries`, and return a book that has only read them."""
    book = make.open_book(root)
    for entry in entries:
        book.record(entry)
    reopened = make.open_book(root, start=False)
    assert dict(reopened.state.planning) == dict(book.state.planning)
    assert dict(reopened.state.execution) == dict(book.state.execution)
    return reopened


def test_the_current_record_is_the_last_and_the_superseded_one_stays(scratch: Path) -> None:
    book = book_of(
        scratch,
        make.planned("A"),
        make.approved("A"),
        make.planned("A", 2, supersedes="SOL-A-1"),
    )

    old, new = book.state.planning["SOL-A-1"], book.state.current("A")

    assert new == book.state.planning["SOL-A-2"]
    assert old.plan is not None
    assert old.plan.state is PlanState.SUPERSEDED
    assert old.plan.state_reason == "replaced by SOL-A-2"
    assert old.plan.approval is not None
    assert list(book.state.planning) == ["SOL-A-1", "SOL-A-2"]
    assert book.state.recorded_at_seq == {"SOL-A-1": 1, "SOL-A-2": 3}


def test_an_approval_knows_the_offset_of_its_own_line(scratch: Path) -> None:
    book = make.open_book(scratch)
    book.record(make.planned("A"))
    line = book.record(make.approved("A"))
    record = book.state.current("A")
    assert record is not None
    assert record.plan is not None
    deferred = record.plan.model_copy(update={"deferred": True})
    book.record(e.PlanChanged(solution_id="SOL-A-1", event="defer", plan=deferred))

    for state in (book.state, make.open_book(scratch).state):
        current = state.current("A")
        assert current is not None
        assert current.plan is not None
        assert current.plan.approval is not None
        assert current.plan.deferred
        assert current.plan.approval.journal_offset == line.offset
    raw = book.places.journal.read_bytes()
    assert raw[line.offset :].startswith(b'{"seq":2,')


def test_paths_with_the_names_of_our_own_fields_confuse_nothing(scratch: Path) -> None:
    names = ("plan", "failure_class", "journal_offset", "feedback", "supersedes", 'a,"plan":{}')
    files = dict.fromkeys(names)
    signed = make.approval("A").model_copy(update={"files": files, "comment": ',"feedback":null,'})
    change = make.approved("A").model_copy(
        update={"plan": make.plan(PlanState.APPROVED, approval=signed), "feedback": words("why")}
    )
    book = book_of(scratch, make.planned("A"), change)
    later = change.model_copy(update={"event": "again"})
    line = book.record(later)

    record = book.state.current("A")

    assert record is not None
    assert record.plan is not None
    assert record.plan.approval == signed.model_copy(update={"journal_offset": line.offset})
    assert record.solution == make.solution("A")
    assert [f.content for f in book.state.feedback["A"]] == ["why", "why"]


def test_feedback_is_collected_from_changes_and_retries(scratch: Path) -> None:
    change = make.approved("A").model_copy(update={"feedback": words("smaller"), "event": "x"})
    retry = e.RetryAsked(issue_id="A", again="plan", feedback=words("and simpler"))

    book = book_of(scratch, make.planned("A"), make.approved("A"), change, retry)

    assert [f.content for f in book.state.feedback["A"]] == ["smaller", "and simpler"]
    assert book.state.replan == {"A"}


def test_a_new_plan_answers_the_wish_to_plan_again(scratch: Path) -> None:
    book = book_of(
        scratch,
        make.planning_failed("A"),
        e.RetryAsked(issue_id="A", again="plan"),
        make.planned("A"),
    )

    assert book.state.replan == set()
    assert [r.key for r in book.state.planning.values()] == ["A#1", "SOL-A-1"]


def test_a_wish_to_execute_again_lasts_until_an_attempt_begins(scratch: Path) -> None:
    asked = (make.planned("A"), e.RetryAsked(issue_id="A", again="execute"))
    book = book_of(scratch, *asked)
    assert book.state.rerun == {"SOL-A-1"}

    book.record(make.begun("A"))

    assert book.state.rerun == set()


def test_attempts_landings_and_rollbacks(scratch: Path) -> None:
    failed, done = ExecutionStatus.FAILED, make.attempted("A", 2)
    landing = e.LandingBegun(
        solution_id="SOL-A-1",
        attempt_id="nonce-A-2",
        commit=make.COMMIT,
        expected="b" * 40,
        record=done.record,
    )
    book = book_of(
        scratch,
        make.planned("A"),
        make.begun("A"),
        make.attempted("A", status=failed),
        make.begun("A", 2),
        landing,
    )
    state = book.state
    assert state.open_attempt == make.begun("A", 2)
    assert state.open_landing == landing
    assert state.landed("A") is None

    book.record(done)
    assert (state.open_attempt, state.open_landing) == (None, None)
    assert state.landed("A") == done.record
    assert [r.key for r in state.attempts("SOL-A-1")] == ["EXR-A-1", "EXR-A-2"]

    undone = make.rolled_back("A", 2)
    begun = e.RollbackBegun(
        branch="pipeline/R1", commit=make.COMMIT, expected="b" * 40, records=(undone.record,)
    )
    book.record(begun)
    assert (state.open_rollback, state.landed("A")) == (begun, done.record)
    book.record(undone)
    assert (state.open_rollback, state.landed("A")) == (None, None)
    assert state.landings_on(["src/A.py"]) == []
    assert len(state.execution) == 2
    assert [one.content for one in state.feedback["A"]] == ["it landed and was rolled back: slow"]
    book.record(begun)
    book.record(e.RollbackDropped(commit=make.COMMIT, reason="moved"))
    assert state.open_rollback is None


def test_an_attempt_that_never_ended_stays_open(scratch: Path) -> None:
    book = book_of(
        scratch,
        e.PlanningBegun(issue_id="B", attempt=1, request_id="B.1", base_commit=make.COMMIT),
        make.begun("A"),
        make.planned("A"),
    )

    assert book.state.open_attempt == make.begun("A")
    assert book.state.open_planning is not None
    book.record(make.planned("B"))
    assert book.state.open_planning is None


def test_numbers_are_never_used_twice(scratch: Path) -> None:
    book = book_of(scratch, make.planned("A"), make.planned("A", 2), make.planned("A-1"))
    state = book.state
    assert state.next_solution_id("A") == "SOL-A-3"
    assert state.next_solution_id("A-1") == "SOL-A-1-2"
    assert state.next_solution_id("B") == "SOL-B-1"
    assert (state.next_planning_attempt("A"), state.next_planning_attempt("B")) == (3, 1)

    book.record(e.RecordRemoved(document="planning", key="SOL-A-2", issue_id="A"))
    assert state.next_solution_id("A") == "SOL-A-3"
    assert state.replan == {"A"}

    assert state.next_execution_id("A") == "EXR-A-1"
    book.record(make.attempted("A", status=ExecutionStatus.FAILED))
    book.record(e.RecordRemoved(document="execution", key="EXR-A-1", issue_id="A"))
    assert state.next_execution_id("A") == "EXR-A-2"
    assert state.rerun == {"SOL-A-1"}


def settled(request_id: str, tokens: int, usd: float | None = 0.5) -> e.CallSettled:
    usage = Usage(model="m", calls=1, output_tokens=tokens, usd=usd)
    return e.CallSettled(role="planner", request_id=request_id, usage=usage)


def test_the_time_a_run_was_worked_on_is_what_its_newest_call_says(scratch: Path) -> None:
    call = settled("A.1", 5)
    book = book_of(scratch, opened("R1"), call.model_copy(update={"run_seconds": 90.0}))
    assert book.state.worked_s == 90.0
    book.record(opened("R2"))
    assert book.state.worked_s == 0.0


def opened(run_id: str) -> e.RunOpened:
    return e.RunOpened(
        run_id=run_id, branch=f"pipeline/{run_id}", base_commit=make.COMMIT, sandbox="bwrap"
    )


def test_spending_counts_up_per_run_and_per_issue(scratch: Path) -> None:
    book = book_of(
        scratch,
        opened("R1"),
        settled("A.x.1", 5),
        e.RunClosed(run_id="R1", reason="done"),
        opened("R2"),
        settled("A.x.2", 7),
        settled("B.1", 2, None),
    )

    assert (book.state.spent.output_tokens, book.state.spent.usd) == (9, None)
    assert book.state.spent_usd == 0.5, "known money counts beside a price that is not known"
    assert book.state.spent_on["A.x"].output_tokens == 12
    assert [run.run_id for run in book.state.runs] == ["R1", "R2"]
    assert book.state.run == opened("R2")
    book.record(e.RunClosed(run_id="R2", reason="done"))
    assert book.state.run is None


def test_the_ledger_grows_and_is_folded_into_memory(scratch: Path) -> None:
    turns = [
        e.TurnSettled(role="planner", request_id=f"A.{n}", issue_id="A", digest=f"d{n}")
        for n in range(4)
    ]
    folded = e.LedgerFolded(role="planner", memory="what was", kept=1)

    book = book_of(scratch, *turns, folded)

    assert (book.state.ledger, book.state.memory) == ({"planner": ["d3"]}, {"planner": "what was"})
    book.record(folded.model_copy(update={"kept": 0}))
    assert book.state.ledger == {"planner": []}


def test_a_quota_pause_ends(scratch: Path) -> None:
    book = book_of(scratch, e.QuotaPaused(provider="p", until=None))
    assert book.state.quotas
    book.record(e.QuotaOver(provider="p"))
    assert book.state.quotas == {}


def test_a_confirmation_begins_the_count_of_solutions_anew(scratch: Path) -> None:
    reached = e.CheckpointReached(solutions=2)
    twice = make.begun("A", 2)
    book = book_of(scratch, make.begun("A"), twice, make.begun("B"), reached)
    assert book.state.unconfirmed == {"SOL-A-1", "SOL-B-1"}
    assert book.state.checkpoint == reached
    book.record(e.Confirmed(solutions=2, by="ann"))
    assert book.state.unconfirmed == set()
    assert book.state.checkpoint is None
    assert book.state.confirmed == e.Confirmed(solutions=2, by="ann")
    book.record(make.begun("C"))
    assert book.state.confirmed is None
    assert book.state.unconfirmed == {"SOL-C-1"}


def test_seq_and_time_count_the_lines_that_change_nothing(scratch: Path) -> None:
    tool = e.ToolDone(role="executor", request_id="A.1", call_id="c", is_error=False)

    book = book_of(scratch, make.planned("A"), tool)

    assert book.state.seq == 2
    assert book.state.newest_at == next(line.at for line in book.journal.lines() if line.seq == 2)


def test_sixty_thousand_lines_are_folded_in_a_moment(scratch: Path) -> None:
    def night() -> list[e.Entry]:
        lines: list[e.Entry] = [opened("R1")]
        for number in range(1000):
            issue_id = f"ISS-{number}"
            noise: list[e.Entry] = []
            for call in range(14):
                request_id, call_id = f"{issue_id}.1", f"c{call}"
                noise += [
                    e.CallBegun(
                        role="executor",
                        request_id=request_id,
                        reserved_tokens=64000,
                        reserved_usd=None,
                    ),
                    settled(request_id, call),
                    e.ToolBegun(
                        role="executor", request_id=request_id, call_id=call_id, tool="run"
                    ),
                    e.ToolDone(
                        role="executor", request_id=request_id, call_id=call_id, is_error=False
                    ),
                ]
            lines += [make.planned(issue_id), make.approved(issue_id), *noise]
            lines += [make.begun(issue_id), make.attempted(issue_id)]
        return lines

    Journal(make.places_in(scratch)).begin_with(night())

    begun = time.perf_counter()
    book = make.open_book(scratch, start=False)
    took = time.perf_counter() - begun

    assert book.state.seq == 60_001
    assert len(book.state.planning) == len(book.state.execution) == 1000
    assert took < 1.0, f"{took:.3f} s: far from the 0.1 s that it takes on an idle machine"
