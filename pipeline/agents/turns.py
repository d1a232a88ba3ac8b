"""What each turn asks, as text: the first line is `request_id: <issue id>.<turn number>`."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from pipeline.agents.fence import fenced
from pipeline.agents.limits import cut
from pipeline.agents.prompts import Prompts
from pipeline.domain.issue import Feedback, Issue
from pipeline.domain.solution import Solution

ISSUE_TOKENS = 8_000
DIFF_TOKENS = 6_000
OTHER_TOKENS = 4_000

SAID_BY: dict[str, str] = {
    "failure": "what went wrong when it was tried",
    "clarification": "questions that were asked about it, or an answer to them",
    "rejection": "why a reviewer rejected the earlier plan",
    "changes": "what a reviewer wants changed",
    "drift": "what changed in the repository underneath the earlier plan",
    "comment": "a comment",
}
"""What each type of feedback is, in the words the agent reads."""


@dataclass(frozen=True)
class Asked:
    """What every turn text starts from."""

    request_id: str
    nonce: str
    """See `nonce_for`."""
    issue: Issue
    base_commit: str
    """The commit that the workspace stands at."""


def plan_turn(
    prompts: Prompts,
    asked: Asked,
    *,
    feedback: Sequence[Feedback] = (),
    dependencies: Sequence[Solution] = (),
) -> str:
    """Return the request for a first plan; `dependencies` are plans that come before it."""
    text = prompts.render(
        "plan-turn",
        {
            **_about(asked),
            "feedback": _words(asked, feedback) or "Nothing else was said of it.",
            "dependencies": _dependencies(asked, dependencies),
        },
    )
    return _request(asked, text)


def revise_turn(
    prompts: Prompts,
    asked: Asked,
    *,
    earlier: Solution,
    words: Sequence[Feedback],
    landed_diff: str,
    dependencies: Sequence[Solution] = (),
) -> str:
    """Return the request for another plan: the earlier one, the words, and what landed since."""
    text = prompts.render(
        "revise-turn",
        {
            **_about(asked),
            "earlier_id": earlier.solution_id,
            "earlier": fenced(as_json(earlier), nonce=asked.nonce, kind="plan"),
            "words": _words(asked, words) or "(nothing)",
            "landed": _diff(asked, landed_diff),
            "dependencies": _dependencies(asked, dependencies),
        },
    )
    return _request(asked, text)


def execute_turn(
    prompts: Prompts,
    asked: Asked,
    *,
    solution: Solution,
    may_touch: Sequence[str],
    minutes: int,
    landed_diff: str = "",
    recovery_diff: str = "",
) -> str:
    """Return the request to carry a plan out.

    `recovery_diff` is what an interrupted attempt had done; empty when there was none.
    """
    text = prompts.render(
        "execute-turn",
        {
            **_about(asked),
            "solution_id": solution.solution_id,
            "solution": fenced(as_json(solution), nonce=asked.nonce, kind="approved-plan"),
            "may_touch": ", ".join(f"`{glob}`" for glob in may_touch) or "(nothing else)",
            "minutes": str(minutes),
            "landed": _diff(asked, landed_diff),
            "recovery": _recovery(asked, recovery_diff),
        },
    )
    return _request(asked, text)


def as_json(solution: Solution) -> str:
    """Return a solution as indented JSON."""
    return orjson.dumps(solution.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode()


def issue_text(issue: Issue) -> str:
    """Return an issue as its author filed it: title, labels, description, test commands."""
    lines = [f"title: {issue.title}"]
    if issue.labels:
        lines.append(f"labels: {', '.join(issue.labels)}")
    if issue.test_commands:
        lines.append(f"test commands: {' ; '.join(issue.test_commands)}")
    return "\n".join([*lines, "", issue.description or "(no description)"])


def _request(asked: Asked, text: str) -> str:
    return f"request_id: {asked.request_id}\n\n{text}"


def _about(asked: Asked) -> dict[str, str]:
    issue = asked.issue
    text = cut(issue_text(issue), ISSUE_TOKENS)
    trust = issue.author_trust.value
    return {
        "issue_id": issue.id,
        "base_commit": asked.base_commit,
        "author_trust": trust,
        "issue": fenced(text, nonce=asked.nonce, kind="issue", author_trust=trust),
    }


def _words(asked: Asked, feedback: Sequence[Feedback]) -> str:
    return "\n\n".join(f"{SAID_BY[one.type]}:\n" + _said(asked, one) for one in feedback)


def _said(asked: Asked, one: Feedback) -> str:
    """Return one feedback; with who said it, where it comes from elsewhere."""
    text = f"{one.author} wrote:\n{one.content}" if one.author else one.content
    trust = one.author_trust.value if one.author_trust else None
    return fenced(cut(text, OTHER_TOKENS), nonce=asked.nonce, kind=one.type, author_trust=trust)


def _dependencies(asked: Asked, solutions: Sequence[Solution]) -> str:
    """Say what will have happened before: files that these plans create count as existing."""
    plans = "\n\n".join(
        f"{one.solution_id} for issue {one.issue_id}:\n"
        + _fenced(asked, as_json(one), kind="plan", most=OTHER_TOKENS)
        for one in solutions
    )
    if not plans:
        return "No plan of another issue has to be carried out before."
    return (
        "This issue depends on others. Their plans, below, are carried out first: what they create "
        f"counts as existing, and your plan builds on the state they leave.\n\n{plans}"
    )


def _diff(asked: Asked, diff: str) -> str:
    return _fenced(asked, diff, kind="diff", most=DIFF_TOKENS) if diff.strip() else "(nothing)"


def _recovery(asked: Asked, diff: str) -> str:
    if not diff.strip():
        return "No interrupted attempt has left anything."
    return (
        "An earlier attempt at this plan was interrupted; its work is not in the workspace. This "
        "is what it had changed. Use what is right in it, but do not take it on trust.\n\n"
        + _fenced(asked, diff, kind="interrupted-attempt", most=DIFF_TOKENS)
    )


def _fenced(asked: Asked, text: str, *, kind: str, most: int) -> str:
    return fenced(cut(text, most), nonce=asked.nonce, kind=kind)
