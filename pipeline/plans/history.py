"""Whether what an issue builds on is in the history on which it would be carried out."""

from collections.abc import Iterable

from pipeline.domain.issue import Issue
from pipeline.domain.results import ExecutionRecord
from pipeline.git import Repository, head_commit, is_ancestor, is_mentioned, resolve
from pipeline.store.state import State


def is_in_history(repo: Repository, landed: ExecutionRecord, tip: str) -> bool:
    """Tell whether `tip` reaches a landed commit, or a message with its nonce (a rewritten one)."""
    commit = landed.commit_hash
    known = commit is not None and resolve(repo, f"{commit}^{{commit}}") is not None
    if commit is not None and known and is_ancestor(repo, commit, tip):
        return True
    return is_mentioned(repo, tip, f"Attempt-Id: {landed.attempt_id}")


def not_in_history(repo: Repository, state: State, issues: Iterable[Issue]) -> dict[str, str]:
    """Return issue id -> why it cannot start: a dependency has landed, but not where work goes on.

    That is the open run's branch, else HEAD. `issues` is the backlog.
    """
    known = {issue.id: issue for issue in issues}
    reached: dict[str, bool] = {}
    reasons: dict[str, str] = {}
    tip = ""  # asked for when the first dependency has landed: most backlogs have none
    for issue in known.values():
        if issue.closed or state.landed(issue.id) is not None:
            continue
        for name in issue.depends_on:
            landed = state.landed(name)
            if landed is None or (name in known and known[name].closed):
                continue
            if name not in reached:
                tip = tip or _tip(repo, state)
                reached[name] = is_in_history(repo, landed, tip)
            if not reached[name]:
                reasons[issue.id] = why_not(name, landed)
                break
    return reasons


def _tip(repo: Repository, state: State) -> str:
    branch = resolve(repo, f"refs/heads/{state.run.branch}") if state.run else None
    return branch or head_commit(repo)


def why_not(name: str, landed: ExecutionRecord) -> str:
    """Return why the dependency `name`, landed elsewhere, keeps an issue from starting."""
    return (
        f"waits for {name}, which landed on {landed.branch or 'another branch'} and is not merged "
        "here: merge it, then `pipeline run --new`"
    )
