"""The stand-in: an HTTP server on loopback that the vendors' own SDKs talk to.

    with StandIn(script) as server:
        anthropic.Anthropic(base_url=server.url, api_key="rehearsal", max_retries=0)
        openai.OpenAI(base_url=server.url + "/v1", api_key="rehearsal", max_retries=0)

For each request: check it as the vendor would, find the script's answer, let a fault spoil it,
log, send.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType

import orjson

from pipeline.rehearsal.anthropic_wire import AnthropicWire
from pipeline.rehearsal.bounds import within
from pipeline.rehearsal.caching import PromptCache
from pipeline.rehearsal.chat_wire import ChatWire
from pipeline.rehearsal.checks import Refused
from pipeline.rehearsal.delivery import Delivery, HttpServer
from pipeline.rehearsal.faults import Fault, Faults, Weather, as_refusal, reshape
from pipeline.rehearsal.moments import events_before
from pipeline.rehearsal.openai_wire import CompactWire, OpenAIWire
from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.view import RequestView
from pipeline.rehearsal.wire import Json, Rendered, Wire

WIRES: dict[str, Wire] = {
    "/v1/messages": AnthropicWire(),
    "/v1/responses": OpenAIWire(),
    "/v1/responses/compact": CompactWire(),
    "/v1/chat/completions": ChatWire(),
}
"""Path -> the API that is spoken there."""

LOGGED_HEADERS = ("anthropic-version", "anthropic-beta", "content-type", "user-agent")
"""What is kept of a request's headers; keys never are."""


@dataclass(frozen=True)
class LoggedRequest:
    """One request and what came of it."""

    path: str
    vendor: str
    headers: dict[str, str]
    body: Json
    status: int = 200
    agent: str = ""
    request_id: str = ""
    call: int = 0
    """Which call of its turn it is, from 0."""
    reply: Json = field(default_factory=dict)
    """The answer as one document in the vendor's form, or its error."""
    usage: Json = field(default_factory=dict)
    """Empty for an error."""
    head_sha256: str = ""
    """Over tools, system and context: the same from an agent's first request to its last."""
    ledger: tuple[str, ...] = ()
    """The texts between the frozen part and the open turn: memory, then digests."""
    fault: str | None = None
    """What was made to go wrong."""


class StandIn:
    """A model server that says what `script` says.

    `log` is a file to which each request is appended as a JSON line. Start and stop it as a
    context manager; several processes may use it, together or one after the other.
    """

    def __init__(
        self,
        script: Script,
        *,
        faults: Sequence[Fault] | Weather = (),
        log: Path | None = None,
        bounded: bool = True,
    ) -> None:
        """`bounded=False`: answers may be longer than a request allows."""
        self._script = script
        self._bounded = bounded
        self._weather = faults if callable(faults) else Faults(faults).take
        self._log = log
        self._cache = PromptCache()
        self._requests: list[LoggedRequest] = []
        self._lock = Lock()
        """Protects `_requests` and the log file."""
        self._http = HttpServer(self._answer)
        self._thread = Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "StandIn":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.stop()
        self._thread.join()

    @property
    def url(self) -> str:
        """Return the base URL for Anthropic's SDK; OpenAI's wants `/v1` after it."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def requests(self) -> list[LoggedRequest]:
        """Return all requests so far, in the order in which they were answered."""
        with self._lock:
            return list(self._requests)

    def refuse_connections(self, times: int) -> None:
        """Hang up on everybody, and reset the next `times` connections when they are made."""
        self._http.refuse(times)

    def _answer(self, path: str, headers: Mapping[str, str], raw: bytes) -> Delivery:
        wire = WIRES.get(path)
        if wire is None:
            return Delivery(404, document=orjson.dumps({"error": {"message": f"no {path} here"}}))
        body: Json = {}
        try:
            body = _parsed(raw)
            wire.check(body, headers)
        except Refused as refused:
            return self._refuse(_received(wire, path, headers, body), wire, refused)
        view = wire.view(body)
        received = replace(
            _received(wire, path, headers, body),
            agent=view.agent,
            request_id=view.request_id,
            call=view.call,
        )
        fault = self._weather(view)
        if fault:
            received = replace(received, fault=fault.kind)
            if fault.kind == "status":
                return self._refuse(received, wire, as_refusal(fault), fault.headers)
        said = self._scripted(view)
        reply = reshape(within(said, body) if self._bounded else said, fault)
        rendered = wire.render(body, reply, wire.count(body, self._cache))
        layout = wire.layout(body)
        self._note(
            replace(
                received,
                reply=rendered.document,
                usage=rendered.usage,
                head_sha256=layout.head_sha256,
                ledger=layout.ledger,
            )
        )
        return _delivery(wire, body, rendered, fault)

    def _scripted(self, view: RequestView) -> ReplySpec:
        return ReplySpec() if view.wants_summary else self._script.reply(view)

    def _refuse(
        self,
        received: LoggedRequest,
        wire: Wire,
        refused: Refused,
        headers: Mapping[str, str] | None = None,
    ) -> Delivery:
        document = wire.refusal(refused)
        self._note(replace(received, status=refused.status, reply=document))
        return Delivery(refused.status, document=orjson.dumps(document), headers=headers or {})

    def _note(self, logged: LoggedRequest) -> None:
        with self._lock:
            self._requests.append(logged)
            if self._log is not None:
                with self._log.open("ab") as file:
                    file.write(orjson.dumps(asdict(logged)) + b"\n")


def _received(wire: Wire, path: str, headers: Mapping[str, str], body: Json) -> LoggedRequest:
    """Return a request before anything came of it."""
    kept = {name: headers[name] for name in LOGGED_HEADERS if name in headers}
    return LoggedRequest(path=path, vendor=wire.vendor, headers=kept, body=body)


def _parsed(raw: bytes) -> Json:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(f"We could not parse the JSON body of your request: {error}") from error
    if not isinstance(body, dict):
        raise Refused("The body of a request is a JSON object")
    return body


def _delivery(wire: Wire, body: Json, rendered: Rendered, fault: Fault | None) -> Delivery:
    behaviour = fault.kind if fault else "plain"
    if not body.get("stream"):
        document = orjson.dumps(rendered.document)
        after = fault.after_bytes if fault and fault.kind in ("cut", "stall") else None
        return Delivery(200, document=document, behaviour=behaviour, after_bytes=after)
    events = [_sse(name, data) for name, data in rendered.events]
    after = None
    if fault and fault.kind in ("cut", "stall"):
        after = fault.after_bytes
    if fault and fault.at and fault.kind in ("cut", "stall", "reset", "error", "event"):
        index = events_before(wire.vendor, rendered.events, fault.at)
        after = sum(map(len, events[:index]))
        if fault.kind == "cut":
            after += len(events[index]) // 2
        if fault.kind == "error":
            events[index:] = [_sse(*wire.failure(as_refusal(fault)))]
        if fault.kind == "event":
            events.insert(index, _sse(*wire.unknown_event))
    return Delivery(
        200,
        stream=b"".join(events) + wire.ending,
        behaviour=behaviour,
        after_bytes=after,
        ping=wire.ping,
    )


def _sse(name: str, data: Json) -> bytes:
    """Return a server-sent event as bytes."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + orjson.dumps(data) + b"\n\n"
