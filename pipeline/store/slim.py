"""A planning record without its texts: what order and conflicts are worked out from."""

import orjson

from pipeline.domain.results import PlanningRecord

FIELDS = ("issue_id", "solution_id", "status", "planned_at", "attempt", "base_commit", "plan")


def slim(text: bytes) -> PlanningRecord:
    """Return the record with the names and files of its tasks, and no word of what they say."""
    record = orjson.loads(text)
    kept = {name: record[name] for name in FIELDS}
    solution = record["solution"]
    if solution is not None:
        kept["solution"] = {
            "solution_id": solution["solution_id"],
            "issue_id": solution["issue_id"],
            "title": solution["title"][:200],
            "tasks": [_task(task) for task in solution["tasks"]],
        }
    return PlanningRecord.model_validate_json(orjson.dumps(kept))


def _task(task: dict[str, list[dict[str, str]]]) -> dict[str, object]:
    files = [{"path": one["path"], "action": one["action"]} for one in task["files"]]
    return {"id": task["id"], "title": "", "files": files}
