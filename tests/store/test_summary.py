"""What `status` showed last is shown again only while nothing that is shown has changed."""

from pathlib import Path

import pytest

from pipeline.domain.results import Usage
from pipeline.store import entries
from pipeline.store.bill import Account, Amount, Bill
from pipeline.store.journal import Journal
from pipeline.store.row_changes import Row
from pipeline.store.run_file import hold
from pipeline.store.summary import Summary, load, make_ground, save
from tests.store import builders as make

BEGUN = entries.PlanningBegun(
    issue_id="ISS-1", attempt=1, request_id="ISS-1.1", base_commit=make.COMMIT
)


@pytest.fixture
def journal(scratch: Path) -> Journal:
    places = make.places_in(scratch)
    places.issues_file.parent.mkdir(parents=True)
    places.issues_file.write_text('{"id":"ISS-1","title":"one"}\n')
    journal = Journal(places)
    journal.append(
        entries.RunOpened(run_id="R", branch="pipeline/R", base_commit="0" * 40, sandbox="bwrap")
    )
    usage = Usage(model="m", calls=2, usd=0.5).model_dump(mode="json")
    row = Row("ISS-1", "one", "registered", "not started", None, None)
    ground = make_ground(places, end=journal.end, last_hash=journal.last_hash)
    bill = Bill().to_json("2026-11-21")
    save(places, Summary(ground, (row,), (), "R", "pipeline/R", usage, bill))
    return journal


def test_the_same_ground_gives_the_same_summary(journal: Journal, scratch: Path) -> None:
    summary = load(make.places_in(scratch))

    assert summary is not None
    assert (summary.rows[0].id, summary.run_id, summary.usage["calls"]) == ("ISS-1", "R", 2)


def test_calls_under_way_only_add_to_what_was_spent(journal: Journal, scratch: Path) -> None:
    journal.append(
        entries.CallBegun(role="planner", request_id="I.1", reserved_tokens=9, reserved_usd=None)
    )
    used = Usage(model="m", calls=1, output_tokens=7, usd=0.25)
    journal.append(entries.CallSettled(role="planner", request_id="I.1", usage=used))

    summary = load(make.places_in(scratch))

    assert summary is not None
    assert (summary.usage["calls"], summary.usage["output_tokens"]) == (3, 7)
    assert summary.usage["usd"] == 0.75
    assert Bill.of_json(summary.bill).run == Account(Amount(7, 0.25), Amount(0, 0.0, unpriced=True))


def test_a_call_under_way_is_reserved(journal: Journal, scratch: Path) -> None:
    call = entries.CallBegun(role="planner", request_id="I.1", reserved_tokens=9, reserved_usd=0.1)
    journal.append(call)

    summary = load(make.places_in(scratch))

    assert summary is not None
    assert Bill.of_json(summary.bill).run.held == Amount(9, 0.1)


def test_another_budget_ends_it(
    journal: Journal, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_BUDGET_USD", "3")

    assert load(make.places_in(scratch)) is None


def test_a_decision_ends_it(journal: Journal, scratch: Path) -> None:
    journal.append(entries.RetryAsked(issue_id="ISS-1", again="plan"))

    assert load(make.places_in(scratch)) is None


def test_another_backlog_ends_it(journal: Journal, scratch: Path) -> None:
    places = make.places_in(scratch)
    places.issues_file.write_text('{"id":"ISS-1","title":"another"}\n')

    assert load(places) is None


def test_work_that_begins_or_ends_ends_it_only_while_a_turn_is_open(
    journal: Journal, scratch: Path
) -> None:
    places = make.places_in(scratch)
    with hold(places):
        assert load(places) is not None
        journal.append(BEGUN)
        assert load(places) is None
    assert load(places) is None


def test_another_journal_ends_it(journal: Journal, scratch: Path) -> None:
    places = make.places_in(scratch)
    lines = places.journal.read_bytes()
    places.journal.write_bytes(lines.replace(b'"hash":"', b'"hash":"0', 1))

    assert load(places) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"ground": {}}', '{"rows": 3}'])
def test_a_broken_summary_is_none(journal: Journal, scratch: Path, content: str) -> None:
    places = make.places_in(scratch)
    places.summary_file.write_text(content)

    assert load(places) is None


def test_a_summary_of_which_one_byte_is_another_is_none(journal: Journal, scratch: Path) -> None:
    places = make.places_in(scratch)
    whole = places.summary_file.read_bytes()
    assert load(places) is not None
    for torn in (whole.replace(b'"usd":', b'"uds":', 1), whole[:-1], b"\0" * len(whole)):
        assert torn != whole
        places.summary_file.write_bytes(torn)
        assert load(places) is None
