"""Whether what has landed is in the history on which issues would be carried out."""

import re
from collections import Counter
from collections.abc import Iterable

from pipeline.domain.issue import Issue
from pipeline.domain.results import ExecutionRecord, ExecutionStatus
from pipeline.git import (
    Repository,
    commits_beyond,
    head_commit,
    is_ancestor,
    is_mentioned,
    list_refs,
    resolve,
)
from pipeline.store.state import State

BRANCHES = "refs/heads/"
ATTEMPT = re.compile(r"^Attempt-Id: (\S+)$", re.MULTILINE)


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


def left_out(repo: Repository, state: State, base: str) -> str | None:
    """Say which landed commits of other runs a run from `base` would work without; None: none.

    A branch that is gone is not asked for, nor what was taken back, nor a commit that `base` has in
    another form: its message keeps the nonce. Takes three git processes at most.
    """
    run = state.run.branch if state.run else None
    landed = {
        record.attempt_id: record.branch
        for record in state.execution.values()
        if record.status is ExecutionStatus.COMPLETED and record.branch and record.branch != run
    }
    refs = list_refs(repo, BRANCHES) if landed else {}
    tips = {name: refs[ref] for name in landed.values() if (ref := f"{BRANCHES}{name}") in refs}
    beyond = _nonces(repo, (base,), tips.values()) if tips else set()
    taken = _nonces(repo, tips.values(), (base,)) if beyond else set()
    counts = Counter(landed[one] for one in beyond - taken if landed.get(one) in tips)
    if not counts:
        return None
    newest = next(name for name in reversed(landed.values()) if name in counts)
    return _left_out(newest, counts, base)


def _nonces(repo: Repository, bases: Iterable[str], tips: Iterable[str]) -> set[str]:
    """Return the nonces in messages that `tips` reach and `bases` do not."""
    found = commits_beyond(repo, tuple(bases), tuple(tips))
    return {nonce for commit in found for nonce in ATTEMPT.findall(commit.message)}


def _left_out(branch: str, counts: Counter[str], base: str) -> str:
    number, others = counts[branch], counts.total() - counts[branch]
    commits = "1 landed commit" if number == 1 else f"{number} landed commits"
    more = f" ({others} more on other branches: `git branch --no-merged`)" if others else ""
    verb = "is" if number == 1 else "are"
    return f"{commits} on {branch} {verb} not in {base[:10]}{more}: `git merge {branch}`"


def _tip(repo: Repository, state: State) -> str:
    branch = resolve(repo, f"refs/heads/{state.run.branch}") if state.run else None
    return branch or head_commit(repo)


def why_not(name: str, landed: ExecutionRecord) -> str:
    """Return why the dependency `name`, landed elsewhere, keeps an issue from starting."""
    return (
        f"waits for {name}, which landed on {landed.branch or 'another branch'} and is not merged "
        "here: merge it, then `pipeline run --new`"
    )
