"""How often a person has asked for changes of an issue's plans, over all of them.

Counted from the journal: what was said since the last plan that a person wrote, or rejected.
"""

from pipeline.store.state import State

BY_USER = "user:"
"""How `Plan.created_by` begins where a person, and no agent, wrote the plan."""


def rounds(state: State, issue_id: str) -> int:
    """Return how often changes were requested since a person last wrote or rejected a plan."""
    plans = [plan for key in state.plan_keys(issue_id) if (plan := state.planning.plan(key))]
    own = max(
        (plan.created_at for plan in plans if plan.created_by.startswith(BY_USER)), default=None
    )
    asked = 0
    for said in state.feedback.get(issue_id, []):
        if said.type == "rejection":
            asked = 0
        elif said.type == "changes" and (own is None or said.created_at > own):
            asked += 1
    return asked
