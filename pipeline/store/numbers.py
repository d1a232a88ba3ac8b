"""Numbers of plans and attempts: each is used once, also when its record is gone."""

from collections import defaultdict


class Numbers:
    """Which record keys of each issue were ever used."""

    def __init__(self) -> None:
        self._plans: defaultdict[str, set[str]] = defaultdict(set)
        self._attempts: defaultdict[str, set[str]] = defaultdict(set)
        self._highest: dict[str, int] = {}

    def use_plan(self, issue_id: str, key: str, number: int) -> None:
        """Note a planning record; `number` is its attempt where it has no solution id, else 0."""
        self._plans[issue_id].add(key)
        self._highest[issue_id] = max(number, self._highest.get(issue_id, 0))

    def use_attempt(self, issue_id: str, key: str) -> None:
        """Note an execution record."""
        self._attempts[issue_id].add(key)

    def next_planning_attempt(self, issue_id: str) -> int:
        """Return the number after those of all planning records of the issue."""
        return max(len(self._plans.get(issue_id, ())), self._highest.get(issue_id, 0)) + 1

    def next_solution_id(self, issue_id: str) -> str:
        """Return `SOL-<issue id>-<n>`."""
        return _next_id(f"SOL-{issue_id}-", self._plans.get(issue_id, set()))

    def next_execution_id(self, issue_id: str) -> str:
        """Return `EXR-<issue id>-<n>`."""
        return _next_id(f"EXR-{issue_id}-", self._attempts.get(issue_id, set()))


def _next_id(prefix: str, used: set[str]) -> str:
    tails = (key.removeprefix(prefix) for key in used if key.startswith(prefix))
    return f"{prefix}{max((int(tail) for tail in tails if tail.isdigit()), default=0) + 1}"
