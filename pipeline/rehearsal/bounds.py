"""Holds answers to the output that a request allows, as the vendors do."""

from pipeline.rehearsal.caching import BYTES_PER_TOKEN
from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.wire import Json

NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""What the APIs call it."""
FRAME_TOKENS = 200
"""Room for what stands around a cut answer."""


def within(reply: ReplySpec, body: Json) -> ReplySpec:
    """Return the answer, cut off where it is longer than the request allows; calls are lost."""
    asked = [most for name in NAMES if isinstance(most := body.get(name), int)]
    most = min(asked, default=None)
    size = len(reply.model_dump_json().encode()) // BYTES_PER_TOKEN
    if most is None or size + FRAME_TOKENS <= most:
        return reply
    room = max(0, most - FRAME_TOKENS) * BYTES_PER_TOKEN
    thinking = _cut(reply.thinking, room // 2)
    text = _cut(reply.text, room // 2)
    return ReplySpec(thinking=thinking, text=text, stop="truncated")


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
