"""`fence.quarantine = "ask"`: a change that went beyond its plan, and passed, waits for a person.

attempt  -> tested as the agent made it, kept under a ref; the plan is pending, its terms wider
approve  -> signed with the wider terms -> tested again on the tip, landed; no agent is asked
reject   -> all of it is dropped

What lands needs a signature over every path of it, as always; a rule's does not count.
"""

from pipeline.domain.plan import PlanState
from pipeline.domain.results import ExecutionRecord, Held
from pipeline.execution import land
from pipeline.execution.attempt import Attempt
from pipeline.execution.fence import Fenced
from pipeline.execution.nature import findings, natures
from pipeline.execution.site import Site
from pipeline.git import resolve
from pipeline.plans.globs import exactly
from pipeline.plans.lifecycle import PlanEvent, advance
from pipeline.plans.standing import held_by
from pipeline.safety.gate import Cleared
from pipeline.safety.ground import named
from pipeline.store.entries import PlanChanged


def hold(site: Site, attempt: Attempt, tree: str) -> Held:
    """Keep a tested change for a person's decision and return what waits."""
    begun = attempt.begun
    commit = land.keep_failed(
        site.repo,
        land.kept_ref(land.RECOVERY_REFS, begun.execution_result_id),
        tree,
        begun.base_commit,
        f"waits for a decision: {begun.solution_id}\n",
        when=site.now(),
    )
    return Held(commit=commit, paths=attempt.beyond)


def in_words(attempt: Attempt) -> str:
    """Return what a person is asked, and what to type."""
    key = attempt.begun.solution_id
    return (
        f"its work, tested, also changed what the plan does not allow: {named(attempt.beyond)}; "
        f"patch: .workflow/{attempt.quarantine}; "
        f"`pipeline approve {key}` lands all of it, `pipeline reject {key}` drops it"
    )


def ask(site: Site, attempt: ExecutionRecord) -> None:
    """Record that the plan waits for a person, with the paths that were changed in its terms.

    Call it once the attempt is recorded, and again when a run begins: then nothing is asked
    without what would be landed, and a kill in between loses no question.
    """
    held = attempt.held
    if held is None:
        return
    with site.book.alone():
        record = site.book.state.planning.get(attempt.solution_id)
        plan = record.plan if record is not None else None
        if (
            plan is None
            or plan.state is not PlanState.APPROVED
            or _names(held) <= {*plan.may_touch}
        ):
            return
        changed = advance(plan, PlanEvent.WIDEN, now=site.now(), reason=attempt.error)
        globs = dict.fromkeys([*plan.may_touch, *map(exactly, held.paths)])
        widened = changed.model_copy(update={"may_touch": tuple(globs)})
        site.book.record(
            PlanChanged(
                solution_id=attempt.solution_id, event=PlanEvent.WIDEN, plan=widened, by="gate"
            )
        )


def _names(held: Held) -> set[str]:
    return {exactly(path) for path in held.paths}


def held_for(site: Site, cleared: Cleared) -> Held | None:
    """Return what waits to be landed by a plan whose signature covers every path of it."""
    plan, held = cleared.record.plan, held_by(site.book.state, cleared.record.key)
    if held is None or plan is None or not _names(held) <= {*plan.opened}:
        return None
    return held if resolve(site.repo, held.commit) else None


def take_up(site: Site, attempt: Attempt, held: Held) -> str | None:
    """Bring a held change to the tip as the attempt's own; return why it does not fit there."""
    base = attempt.begun.base_commit
    tree = land.rebased_tree(site.repo, held.commit, base)
    if tree is None:
        return "what was approved conflicts with what landed since"
    seen = natures(site.repo, base, tree)
    attempt.fenced = Fenced(tree, tuple(one.path for one in seen), findings=findings(seen))
    earlier = site.book.state.attempts(attempt.begun.solution_id)[-1]
    attempt.outcomes = {task.id: task for task in earlier.tasks}
    return None
