"""Reports made by hand, for what no night makes quickly: hostile, empty, failed, very large."""

from datetime import UTC, datetime

from pipeline.domain.group import Group
from pipeline.domain.results import Usage
from pipeline.observe.report.facts import (
    Action,
    Check,
    Concern,
    Conversations,
    Diff,
    Ending,
    FileDiff,
    Link,
    Report,
    ReportEntry,
    Said,
)
from pipeline.observe.report.headline import headline
from pipeline.store.balance import Caps, balance
from pipeline.store.bill import Bill

AT = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)


def entry(name: str = "ISS-1", **changes: object) -> ReportEntry:
    """Return an entry about which little is known."""
    return ReportEntry.model_validate(
        {"issue_id": name, "title": f"do {name}", "state": "completed"} | changes
    )


def report(groups: dict[Group, list[ReportEntry]] | None = None, **changes: object) -> Report:
    """Return a report of these groups."""
    given = groups or {}
    whole = {group.value: tuple(given.get(group, ())) for group in Group}
    fields: dict[str, object] = {
        "written_at": AT,
        "headline": headline(whole),
        "ending": Ending(how="ended", exit_code=4, at=AT, said="finished"),
        "sandbox": "bwrap",
        "usage": Usage(),
        "budget": balance(Bill(), Caps(), "2026-11-21"),
        "conversations": Conversations(),
        "groups": whole,
    }
    return Report.model_validate(fields | changes)


def full(text: str) -> Report:
    """Return a report in which `text` stands wherever others may write."""
    one = entry(
        title=text,
        reason=text,
        commit="c" * 40,
        files=(text,),
        diff=Diff(files=(FileDiff(path=text, added=1, deleted=1),), text=f"+{text}\n-{text}"),
        tests_before=(Check(stage="baseline", command=text, passed=True, exit_code=0, seconds=1),),
        tests_after=(
            Check(stage="suite", command=text, passed=False, exit_code=1, seconds=1, output=text),
        ),
        claim=Said(status="completed", summary=text, contradicts=text),
        notes=(text,),
        links=(Link(label="plan", path=f"plans/{text}"),),
        spent={"executor": Usage(calls=1, output_tokens=10, usd=0.1, model=text)},
        tokens=10,
        usd=0.1,
        next="pipeline run",
    )
    return report(
        {Group.FAILED: [one], Group.NOT_STARTED: [entry("ISS-2", title=text)]},
        holds=(text,),
        remarks=(text,),
        concerns=(Concern(kind="quarantine", issue_id="ISS-1", text=text, link=text),),
        next=(Action(command=f"git merge {text}", why=text),),
        usage=Usage(model=text),
        branch=text,
        run_id="RUN-1",
    )
