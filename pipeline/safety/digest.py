"""What a signature covers, as bytes that are the same on every machine."""

import hashlib
import json
from collections.abc import Sequence

from pydantic import BaseModel, JsonValue

from pipeline.domain.plan import Earlier, Plan
from pipeline.domain.solution import Solution

TERMS = {"mode", "risk", "budget", "may_touch", "grants"}
"""The fields of a plan that a reviewer agrees to."""


def canonical(value: BaseModel | JsonValue) -> bytes:
    """Return canonical JSON: sorted keys, no white space, ASCII, no NaN."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return text.encode()


def plan_digest(solution: Solution, plan: Plan) -> str:
    """Return the SHA-256 (hex) over the solution as it is shown and the plan's terms."""
    signed: dict[str, JsonValue] = {
        "solution": solution.model_dump(mode="json"),
        "terms": plan.model_dump(mode="json", include=TERMS),
    }
    return hashlib.sha256(canonical(signed)).hexdigest()


def ground_digest(digest: str, base_commit: str, after: Sequence[Earlier]) -> str:
    """Return one SHA-256 (hex) over all that an approval would sign of a plan.

    `digest` is that of its text and terms; the blobs of its files follow from the base commit.
    """
    earlier: list[JsonValue] = [one.model_dump(mode="json") for one in after]
    signed: dict[str, JsonValue] = {"plan": digest, "base": base_commit, "after": earlier}
    return hashlib.sha256(canonical(signed)).hexdigest()
