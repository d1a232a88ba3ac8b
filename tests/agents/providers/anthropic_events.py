"""Streams of the Messages API, composed by hand."""

from typing import Any

Event = dict[str, Any]

USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 200,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 1,
}
THINKING = {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"}


def text(words: str) -> Event:
    return {"type": "text", "text": words}


def tool_use(id: str, name: str, input_json: str) -> Event:
    return {"type": "tool_use", "id": id, "name": name, "input": {}, "json": input_json}


def answer_events(
    *blocks: Event, stop: str = "end_turn", details: Event | None = None
) -> list[Event]:
    """Return the events of an answer that holds `blocks`."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "some-model",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": USAGE,
    }
    events: list[Event] = [{"type": "message_start", "message": message}, {"type": "ping"}]
    for index, block in enumerate(blocks or (text("Hello."),)):
        events += block_events(index, dict(block))
    delta = {"stop_reason": stop, "stop_sequence": None, "stop_details": details}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 40}})
    return [*events, {"type": "message_stop"}]


def block_events(index: int, block: Event) -> list[Event]:
    deltas: list[Event] = []
    if block["type"] == "text":
        half = len(block["text"]) // 2
        deltas = [
            {"type": "text_delta", "text": part}
            for part in (block["text"][:half], block["text"][half:])
        ]
        block["text"] = ""
    elif block["type"] == "thinking":
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
        block |= {"thinking": "", "signature": ""}
    elif block["type"] == "tool_use":
        whole = block.pop("json")
        deltas = [
            {"type": "input_json_delta", "partial_json": part}
            for part in ("", whole[:3], whole[3:])
        ]
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]
