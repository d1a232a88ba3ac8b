"""A hand-made vendor on loopback: each request gets the next answer of a list."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

from pydantic import JsonValue

from pipeline.agents.messages import CallLimits, Head, ModelRequest, Said, ToolSpec, TurnItem

Answer = Callable[["Handler"], None]

NO_ARGUMENTS: dict[str, JsonValue] = {
    "type": "object",
    "properties": {},
    "required": [],
    "additionalProperties": False,
}
TOOLS = (ToolSpec("b_tool", "Second.", NO_ARGUMENTS), ToolSpec("a_tool", "First.", NO_ARGUMENTS))


class Vendor(ThreadingHTTPServer):
    """Answers POSTs in order and remembers them."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.asked = threading.Event()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(json.loads(body))
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        answer = self.server.answers.pop(0)
        self.server.asked.set()
        answer(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


@contextmanager
def vendor(*answers: Answer) -> Iterator[Vendor]:
    server = Vendor(*answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def sse(events: list[dict[str, Any]]) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events
    )


def streams(events: list[dict[str, Any]]) -> Answer:
    """Answer with a whole stream."""

    def answer(handler: Handler) -> None:
        handler.start_stream()
        handler.chunk(sse(events))
        handler.chunk(b"")

    return answer


def refuses(status: int, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with an error."""

    def answer(handler: Handler) -> None:
        data = json.dumps(body).encode()
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def hangs(handler: Handler) -> None:
    """Accept and never answer."""
    handler.server.over.wait(20)


def drips(handler: Handler) -> None:
    """Send a ping's bytes one by one, forever."""
    handler.start_stream()
    while not handler.server.over.wait(0.1):
        try:
            handler.chunk(b":")
        except OSError:
            return


def stalls(events: list[dict[str, Any]]) -> Answer:
    """Begin to answer, then fall silent."""

    def answer(handler: Handler) -> None:
        handler.start_stream()
        handler.chunk(sse(events))
        handler.server.over.wait(20)

    return answer


def breaks(events: list[dict[str, Any]]) -> Answer:
    """Begin to answer, then close the connection."""

    def answer(handler: Handler) -> None:
        handler.start_stream()
        handler.chunk(sse(events))
        handler.close_connection = True
        handler.connection.close()

    return answer


def limits(
    seconds: float = 10, *, silence_s: float = 60, stop: Callable[[], bool] = lambda: False
) -> CallLimits:
    return CallLimits(
        clock=monotonic, deadline=monotonic() + seconds, silence_s=silence_s, stop=stop
    )


def model_request(
    *turn: TurnItem, memory: str = "", ledger: tuple[str, ...] = (), context: str = "The project."
) -> ModelRequest:
    return ModelRequest(
        head=Head(tools=TOOLS, system="You plan.", context=context),
        memory=memory,
        ledger=ledger,
        turn=turn or (Said("Plan ISS-001."),),
        max_output_tokens=9000,
        cache_key="planner-run1",
    )
