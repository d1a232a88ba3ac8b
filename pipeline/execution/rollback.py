"""Undoing what landed, as new commits on the same branch: verified, then landed like any other.

for each, newest first: tree without its change -> suite (and acceptance of what stays) -> commit
  -> journal intent -> one compare-and-swap of the branch -> one record for each

Nothing is journaled, and nothing changed, before everything has passed.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from pipeline.agents.digest import rollback_digest
from pipeline.domain.results import ExecutionRecord, ExecutionStatus, Rollback, Verification
from pipeline.errors import PipelineError
from pipeline.events import RolledBack
from pipeline.execution import land
from pipeline.execution.evidence import failures_in_short, is_good
from pipeline.execution.site import Site
from pipeline.execution.undoing import Undoing, Undone
from pipeline.git import Repository, commit_tree, merge_trees, tree_of
from pipeline.store import entries


@dataclass(frozen=True)
class Request:
    """Who wants something undone, and why."""

    by: str
    reason: str = ""


def tree_without(repo: Repository, undone: Undone, tip: str, *, when: datetime) -> str:
    """Return the tree of `tip` without one commit's change; raises where later changes need it.

    A three-way merge: from the commit as base, to the tip, and to what was before the commit.
    """
    before, commit = tree_of(repo, undone.commit.parents[0]), undone.commit.hash
    other = commit_tree(repo, before, [commit], "without it\n", when=when)
    tree = merge_trees(repo, tip, other)
    if tree is None:
        raise PipelineError(
            f"cannot roll back {undone.record.solution_id}: later changes build on its lines; "
            f"`git revert {commit}` on a branch of your own shows which"
        )
    return tree


def final_tree(repo: Repository, undoing: Undoing, *, when: datetime) -> str:
    """Return the tree that the branch would have, without verifying anything."""
    tip = undoing.tip
    for step in undoing.steps:
        tree = tree_without(repo, step, tip, when=when)
        tip = commit_tree(repo, tree, [tip], "tried\n", when=when)
    return tree_of(repo, tip)


def roll_back(site: Site, undoing: Undoing, request: Request) -> tuple[ExecutionRecord, ...]:
    """Undo everything in `undoing`, all of it or nothing; return the records as they are then.

    Raises `PipelineError` when a tree does not pass, and when the branch has moved meanwhile.
    """
    made: list[ExecutionRecord] = []
    tip = undoing.tip
    for step in undoing.steps:
        is_last = step is undoing.steps[-1]
        record = _undo_one(site, undoing, step, tip, request, stays=is_last)
        assert record.rollback is not None
        made.append(record)
        tip = record.rollback.commit
    begun = entries.RollbackBegun(
        branch=undoing.branch, commit=tip, expected=undoing.tip, records=tuple(made)
    )
    site.book.record(begun)
    outcome = land.land(
        site.repo, branch=undoing.branch, commit=tip, base=undoing.tip, probe=site.probe
    )
    if isinstance(outcome, land.Refused):
        drop(site, begun, "the branch has moved meanwhile")
        raise PipelineError(f"{undoing.branch} has moved meanwhile: nothing was undone; try again")
    return record_undone(site, begun)


def record_undone(site: Site, begun: entries.RollbackBegun) -> tuple[ExecutionRecord, ...]:
    """Record what a rollback undid; its commits are on the branch. Doing it again adds nothing."""
    known = site.book.state.execution
    for record in begun.records:
        if record.key not in known or known[record.key].rollback is None:
            site.book.record(entries.RolledBack(record=record, digest=rollback_digest(record)))
        rollback = record.rollback
        assert rollback is not None
        site.bus.emit(
            RolledBack(record.issue_id, record.solution_id, rollback.commit, rollback.reason)
        )
    return begun.records


def drop(site: Site, begun: entries.RollbackBegun, reason: str) -> None:
    """Record that a rollback came to nothing."""
    site.book.record(entries.RollbackDropped(commit=begun.commit, reason=reason))


def _undo_one(
    site: Site, undoing: Undoing, step: Undone, tip: str, request: Request, *, stays: bool
) -> ExecutionRecord:
    """Make and verify the commit that undoes one attempt on `tip`; return the record it leads to.

    `stays`: the acceptance of what depends on it and stays is asked too.
    """
    when, nonce = site.now(), secrets.token_hex(16)
    tree = tree_without(site.repo, step, tip, when=when)
    verification = _verified(site, undoing, step, tree, tip, stays=stays)
    solution = site.book.state.planning.get(step.record.solution_id)
    title = solution.solution.title if solution is not None and solution.solution else ""
    message = land.rollback_message(
        step.record,
        title,
        commit=step.commit.hash,
        reason=request.reason,
        attempt_id=nonce,
    )
    commit = land.make_commit(site.repo, tree=tree, base=tip, message=message, when=when)
    rollback = Rollback(
        at=when,
        by=request.by,
        reason=request.reason,
        commit=commit,
        attempt_id=nonce,
        verification=verification,
    )
    update = {"status": ExecutionStatus.ROLLED_BACK, "rollback": rollback}
    return step.record.model_copy(update=update)


def _verified(
    site: Site, undoing: Undoing, step: Undone, tree: str, tip: str, *, stays: bool
) -> Verification:
    """Run the suite on exactly the tree; raises with what fails.

    With `allow_red_baseline`, what failed on the tip already is not blamed.
    """
    suite = site.suite_at(tip)
    if site.settings.allow_red_baseline:
        site.verifier.baseline(tip, suite, stop=site.stop)
    asked = _acceptance(site, undoing) if stays else ()
    verification, ran = site.verifier.verify(
        tree=tree,
        head=tip,
        acceptance=[one for one in asked if one not in suite],
        suite=suite,
        label=f"rollback-{step.record.key}",
        stop=site.stop,
    )
    if is_good(verification, ran, suite):
        return verification
    failed = next(one.evidence for one in ran if one.blamed)
    names = ", ".join(one.solution_id for one in undoing.dependents)
    hint = f"; {names} landed on it: roll that back first" if names else ""
    raise PipelineError(
        f"cannot roll back {step.record.solution_id}: without it {failures_in_short(ran)} "
        f"(output: .workflow/{failed.output_path}){hint}"
    )


def _acceptance(site: Site, undoing: Undoing) -> tuple[str, ...]:
    """Return the acceptance commands of what depends on what is undone, and stays."""
    plans = [site.book.state.planning.get(one.solution_id) for one in undoing.dependents]
    commands = [
        command
        for plan in plans
        if plan is not None and plan.solution is not None
        for command in plan.solution.acceptance.commands
    ]
    return tuple(dict.fromkeys(commands))
