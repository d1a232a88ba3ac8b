"""The floor: of several threads that work on one run, one is at work at any moment.

    planning    ==plan==....model....==tools==...command...==record==....
    execution   ........==gate==.....model.....==..tests.....==land==....

A thread has the floor while it works, and leaves it only while it waits for a model or a command,
which is where the time goes. So nothing below needs a lock of its own because of the overlap: not
the book, its state and documents, the purse, the bus, the backlog, nor what git has cached.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Floor:
    """Held by the thread that is at work; where nobody takes it, `left` changes nothing."""

    def __init__(self) -> None:
        self._free = threading.Condition(threading.Lock())  # protects everything: see above
        self._holder: int | None = None  # written by whoever holds `_free`

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Be the one at work inside; waits until the other threads have left the floor."""
        with self._free:
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None
                self._free.notify_all()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Let others work inside, where nothing that threads share may be touched.

        Never inside `book.alone()`: what others record would wait for us, and we for them.
        """
        if self._holder != threading.get_ident():
            yield
            return
        self._holder = None
        self._free.notify_all()
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()
            self._holder = threading.get_ident()

    def rest(self, seconds: float) -> None:
        """Let others work until one of them leaves the floor, `seconds` at most."""
        self._holder = None
        self._free.wait(seconds)
        self._holder = threading.get_ident()
