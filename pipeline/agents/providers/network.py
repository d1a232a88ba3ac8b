"""Sockets that never wait longer than a slice without asking the watch.

    httpcore2 pool -> WatchedBackend.connect_tcp -> PlainStream [-> TlsStream over it]

The checks sit here because nothing above sees every wait: httpcore2 fixes a read's timeout for a
whole request, SDKs hide pings, and closing a stream from another thread does not unblock its read.
"""

import os
import queue
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from pipeline.agents.providers.watch import SLICE_S, Watch

CONNECT_S = 10.0
"""How long one address of a host may take to accept before the next is tried, in seconds."""
TLS_CHUNK = 16_384
SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)
Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]
T = TypeVar("T")


class PlainStream:
    """A TCP connection; httpcore2's `NetworkStream`. The `timeout` arguments are not used."""

    def __init__(self, sock: socket.socket, watch: Watch) -> None:
        sock.settimeout(SLICE_S)
        self._sock = sock
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return up to `max_bytes`; empty at the end of the stream."""
        import httpcore2

        return self._patiently(lambda: self._sock.recv(max_bytes), httpcore2.ReadError)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        import httpcore2

        rest = memoryview(buffer)
        while rest:
            rest = rest[self._patiently(partial(self._sock.send, rest), httpcore2.WriteError) :]

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "TlsStream":
        """Return a TLS stream over this one, after the handshake."""
        return TlsStream(self, ssl_context, server_hostname)

    def get_extra_info(self, info: str) -> object:
        """Answer what httpcore2 asks about a connection."""
        answers: dict[str, Callable[[], object]] = {
            "socket": lambda: self._sock,
            "client_addr": self._sock.getsockname,
            "server_addr": self._sock.getpeername,
            "is_readable": lambda: _ready(self._sock, select.POLLIN, 0),
        }
        return answers[info]() if info in answers else None

    def _patiently(self, act: Callable[[], T], failure: type[Exception]) -> T:
        """Do `act` as soon as the socket allows it, asking the watch before each slice."""
        while True:
            self._watch.check()
            try:
                done = act()
            except TimeoutError:
                continue
            except OSError as error:
                raise failure(str(error)) from error
            self._watch.heard()
            return done


class TlsStream:
    """TLS over any stream, so that handshakes, proxies' inner TLS included, obey the watch too."""

    def __init__(
        self, below: "PlainStream | TlsStream", context: ssl.SSLContext, hostname: str | None
    ) -> None:
        import httpcore2

        self._below = below
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        try:
            self._run(self._tls.do_handshake, httpcore2.ConnectError)
        except BaseException:  # nobody else knows of this connection yet
            below.close()
            raise

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return up to `max_bytes`; empty at the end of the stream."""
        import httpcore2

        return self._run(lambda: self._tls.read(max_bytes), httpcore2.ReadError)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        import httpcore2

        rest = memoryview(buffer)
        while rest:
            rest = rest[self._run(partial(self._tls.write, rest), httpcore2.WriteError) :]

    def close(self) -> None:
        """Close the connection."""
        self._below.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "TlsStream":
        """Return a TLS stream inside this one (an HTTPS target behind an HTTPS proxy)."""
        return TlsStream(self, ssl_context, server_hostname)

    def get_extra_info(self, info: str) -> object:
        """Answer what httpcore2 asks about a connection."""
        return self._tls if info == "ssl_object" else self._below.get_extra_info(info)

    def _run(self, act: Callable[[], T], failure: type[Exception]) -> T:
        """Do `act`, carrying bytes between it and the stream below until it is through."""
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                self._flush()
                self._fetch()
                continue
            except ssl.SSLError as error:
                raise failure(str(error)) from error
            self._flush()
            return done

    def _flush(self) -> None:
        if pending := self._outgoing.read():
            self._below.write(pending)

    def _fetch(self) -> None:
        data = self._below.read(TLS_CHUNK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


class WatchedBackend:
    """Opens connections; httpcore2's `NetworkBackend`."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> PlainStream:
        """Connect to the first address of `host` that accepts."""
        import httpcore2

        failure = OSError(f"{host!r} has no address")
        try:
            for family, kind, protocol, _, address in self._resolve(host, port):
                try:
                    return PlainStream(self._connect(family, kind, protocol, address), self._watch)
                except OSError as error:
                    failure = error
        except OSError as error:
            failure = error
        raise httpcore2.ConnectError(str(failure)) from failure

    def _connect(
        self,
        family: socket.AddressFamily,
        kind: socket.SocketKind,
        protocol: int,
        address: tuple[object, ...],
    ) -> socket.socket:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            try:
                sock.connect(address)
            except BlockingIOError:
                self._await_connection(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return sock

    def _await_connection(self, sock: socket.socket) -> None:
        for _ in range(int(CONNECT_S / SLICE_S)):
            self._watch.check()
            if _ready(sock, select.POLLOUT, SLICE_S):
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    raise OSError(code, os.strerror(code))
                return
        raise TimeoutError(f"no connection within {CONNECT_S:.0f} s")

    def _resolve(self, host: str, port: int) -> list[Address]:
        """Look `host` up in a thread of its own: the system's resolver cannot be interrupted."""
        answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()
        threading.Thread(target=_look_up, args=(host, port, answers), daemon=True).start()
        while True:
            self._watch.check()
            try:
                answer = answers.get(timeout=SLICE_S)
            except queue.Empty:
                continue
            if isinstance(answer, OSError):
                raise answer
            return answer


def _look_up(host: str, port: int, answers: "queue.SimpleQueue[list[Address] | OSError]") -> None:
    try:
        answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except OSError as error:
        answers.put(error)


def _ready(sock: socket.socket, event: int, timeout_s: float) -> bool:
    """Return whether the socket is ready (or gone, which the next use of it will tell)."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), event)
    return bool(poll.poll(int(timeout_s * 1000)))
