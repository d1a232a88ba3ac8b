"""How an answer goes over the socket, and how it fails to."""

import select
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock

PING_EVERY_S = 0.05
_LOST = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError, TimeoutError)


@dataclass(frozen=True)
class Delivery:
    """What to send: one JSON document or one event stream, and how it is to go wrong."""

    status: int
    document: bytes | None = None
    stream: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    behaviour: str = "plain"
    """A fault's kind; those without an entry in `BEHAVIOURS` are delivered plainly."""
    after_bytes: int | None = None
    """How much of the body is sent before it goes wrong; None: nothing, not even the head."""
    ping: bytes = b""

    @property
    def body(self) -> bytes:
        """Return the bytes of the body."""
        return self.stream if self.document is None else self.document


Answerer = Callable[[str, Mapping[str, str], bytes], Delivery]
"""From path, headers (names in lower case) and body to what is sent."""


class HttpServer(ThreadingHTTPServer):
    """Listens on a free port of loopback; `stop` ends it together with its connections."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answerer: Answerer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answerer = answerer
        self.closing = Event()
        self._open: set[socket.socket] = set()
        self._unwelcome = 0
        self._lock = Lock()
        """Protects `_open` and `_unwelcome`."""

    def refuse(self, times: int) -> None:
        """Hang up on everybody, and reset the next `times` connections when they are made."""
        with self._lock:
            self._unwelcome = times
            connections = list(self._open)
        for connection in connections:
            _shut(connection)

    def verify_request(self, request: object, client_address: object) -> bool:
        """Tell whether a new connection is served; one that is not is reset."""
        assert isinstance(request, socket.socket)
        with self._lock:
            welcome = self._unwelcome == 0
            self._unwelcome -= not welcome
        if not welcome:
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return welcome

    def process_request(self, request: object, client_address: object) -> None:
        """Remember the connection, then serve it in a thread of its own."""
        assert isinstance(request, socket.socket)
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: object) -> None:
        """Forget the connection and close it."""
        assert isinstance(request, socket.socket)
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a lost client pass in silence; anything else is shown as usual."""
        if not isinstance(sys.exc_info()[1], _LOST):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Stop listening and wake everybody who waits for a next request."""
        self.closing.set()
        self.shutdown()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            _shut(connection)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HttpServer

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        delivery = self.server.answerer(self.path.partition("?")[0], headers, raw)
        BEHAVIOURS.get(delivery.behaviour, _plain)(self, delivery)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the stand-in keeps its own log."""


def _plain(handler: _Handler, delivery: Delivery) -> None:
    _head(handler, delivery)
    _send(handler, delivery, delivery.body)
    if delivery.document is None:
        handler.wfile.write(b"0\r\n\r\n")


def _reset(handler: _Handler, delivery: Delivery) -> None:
    if delivery.after_bytes is not None:
        _head(handler, delivery)
        _send(handler, delivery, delivery.body[: delivery.after_bytes])
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    handler.rfile.close()
    handler.connection.close()


def _cut(handler: _Handler, delivery: Delivery) -> None:
    _head(handler, delivery)
    _send(handler, delivery, delivery.body[: delivery.after_bytes])
    handler.close_connection = True


def _stall(handler: _Handler, delivery: Delivery) -> None:
    _head(handler, delivery)
    _send(handler, delivery, delivery.body[: delivery.after_bytes])
    _hang(handler, delivery)


def _hang(handler: _Handler, delivery: Delivery) -> None:
    handler.close_connection = True
    while not handler.server.closing.is_set() and not _client_left(handler, PING_EVERY_S):
        pass


def _pings(handler: _Handler, delivery: Delivery) -> None:
    handler.close_connection = True
    _head(handler, delivery)
    while not handler.server.closing.is_set() and not _client_left(handler, PING_EVERY_S):
        _send(handler, delivery, delivery.ping)


def _drip(handler: _Handler, delivery: Delivery) -> None:
    handler.close_connection = True
    _head(handler, delivery)
    while not handler.server.closing.is_set() and not _client_left(handler, PING_EVERY_S):
        _send(handler, delivery, b":")


BEHAVIOURS: dict[str, Callable[[_Handler, Delivery], None]] = {
    "plain": _plain,
    "reset": _reset,
    "cut": _cut,
    "stall": _stall,
    "hang": _hang,
    "pings": _pings,
    "drip": _drip,
}


def _head(handler: _Handler, delivery: Delivery) -> None:
    handler.send_response(delivery.status)
    for name, value in delivery.headers.items():
        handler.send_header(name, value)
    handler.send_header("request-id", "req_standin")
    if delivery.document is None:
        handler.send_header("content-type", "text/event-stream; charset=utf-8")
        handler.send_header("transfer-encoding", "chunked")
    else:
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(delivery.document)))
    handler.end_headers()


def _send(handler: _Handler, delivery: Delivery, body: bytes) -> None:
    if delivery.document is None and body:
        body = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    handler.wfile.write(body)


def _client_left(handler: _Handler, within_s: float) -> bool:
    """Wait up to `within_s` for the client to hang up; it has nothing to say before an answer."""
    readable, _, _ = select.select([handler.connection], [], [], within_s)
    return bool(readable)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
