"""`pipeline approve`: sign plans; nothing is executed without it."""

import re
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Annotated

import typer

from pipeline.app.meanwhile import then
from pipeline.app.plans import (
    Approved,
    Desk,
    Left,
    approve,
    approve_matching,
    get,
    open_desk,
)
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, By, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.domain.plan import RiskLevel
from pipeline.domain.results import PlanningRecord
from pipeline.errors import UsageProblem
from pipeline.paths import Places
from pipeline.plans.page import approver_of

NAMED = 5
"""So many plans are named for each reason why plans were left."""


def command(
    solutions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOL]...", help="Solution ids.", show_default=False),
    ] = None,
    max_risk: Annotated[
        RiskLevel | None,
        typer.Option(
            "--max-risk",
            metavar="LEVEL",
            case_sensitive=False,
            help="All that wait, up to this risk: LOW, MEDIUM, HIGH, CRITICAL.",
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="LABEL",
            help="All that wait and whose issues have this label; repeatable.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
    digest: Annotated[
        str | None,
        typer.Option(
            "--digest",
            metavar="HEX",
            help="Only what `show` told this digest of (at least 8 digits); for one plan.",
        ),
    ] = None,
    comment: By = "",
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Approve plans as they were shown; each is signed with its files' state.

    Several that are named are approved together or, when one of them cannot be, not at all. By
    --max-risk, --label and --all (together: what fits all of them) those are approved that can be.

    Example: pipeline approve SOL-ISS-001-1 SOL-ISS-002-1, then: pipeline approve --max-risk LOW
    """
    chosen = everything or max_risk is not None or bool(label)
    if bool(solutions) == chosen:
        raise UsageProblem(
            "name plans, or choose them by --max-risk, --label or --all"
            if not chosen
            else "name plans, or choose them by --max-risk, --label or --all: not both"
        )
    stamp = _stamp(digest, solutions or ())
    desk = open_desk(repo, bus=event_bus(as_json=as_json))
    already: Collection[str] = ()
    if chosen:
        done = approve_matching(desk, max_risk=max_risk, labels=label or (), comment=comment)
    else:
        done, already = _approve_named(desk, solutions or (), comment, stamp)
    if as_json:
        shown = [desk.shown(record).model_dump(mode="json") for record in done.records]
        print_json(shown)
        return
    _print(done, already, desk.places)


def _approve_named(
    desk: Desk, names: Sequence[str], comment: str, stamp: str
) -> tuple[Approved, Collection[str]]:
    """Approve these plans; return what came of it, and which of them were approved before."""
    with desk.book.alone():
        found = {one.key: one for one in (get(desk, name) for name in names)}
        signed = approve(desk, *found, comment=comment, stamp=stamp)
    return Approved(tuple(signed), ()), {one.key for one in signed if one == found[one.key]}


def _stamp(digest: str | None, solutions: Sequence[str]) -> str:
    """Return the digest in small letters; empty without one."""
    if digest is None:
        return ""
    if len(set(solutions)) != 1:
        raise UsageProblem("--digest belongs to one plan: name that one")
    if not re.fullmatch("[0-9a-fA-F]{8,64}", digest):
        raise UsageProblem(f"--digest {digest!r}: give 8 to 64 hex digits, as `show` prints them")
    return digest.lower()


def _print(done: Approved, already: Collection[str], places: Places) -> None:
    for record in done.records:
        print_text(_did(record, is_new=record.key not in already))
    if done.left:
        print_text(f"left: {_in_words(done.left)}")
    if not done.records:
        typer.echo("nothing to approve")
    else:
        names = [name for one in done.records for name in (one.key, one.issue_id)]
        typer.echo(then(places, "execute", "pipeline run", *names))


def _did(record: PlanningRecord, *, is_new: bool) -> str:
    approval = record.plan.approval if record.plan else None
    assert approval is not None
    after = ", ".join(one.solution_id for one in approval.after)
    until = f"until {approval.expires_at.astimezone():%Y-%m-%d %H:%M}"
    if not is_new:
        by = approver_of(approval)
        return f"{record.key} is approved already, by {by}, {until}; nothing is recorded"
    return f"approved {record.key} {until}" + (f", after {after}" if after else "")


def _in_words(left: Sequence[Left]) -> str:
    """Return by reason which plans were left, on one line."""
    groups = groupby(sorted(left, key=_why), key=_why)
    return "; ".join(f"{_names([one.solution_id for one in some])}: {why}" for why, some in groups)


def _why(one: Left) -> str:
    """Return the reason without the plan's own name, so that plans share it."""
    key = one.solution_id
    return one.reason.removeprefix(f"cannot approve {key}: ").removeprefix(f"{key} ")


def _names(keys: Sequence[str]) -> str:
    rest = len(keys) - NAMED
    return ", ".join(keys[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
