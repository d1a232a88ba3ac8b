"""What a process is doing is written by a thread of its own: the newest, and nothing at the end."""

from threading import Event

from pipeline.app.telling import Newest
from pipeline.store.now import Now

LONG_S = 20.0


def test_the_newest_is_written_whatever_was_left_out_before_it() -> None:
    written: list[Now] = []
    came = Event()

    def write(now: Now) -> None:
        written.append(now)
        if now.doing == "50":
            came.set()

    newest = Newest(Now(1), write)
    assert written == [Now(1)]
    with newest.writing():
        for number in range(51):
            newest(Now(1, doing=str(number)))
        assert came.wait(LONG_S)
    assert len(written) < 51

    newest(Now(1, doing="too late"))
    assert written[-1].doing == "50"


def test_the_thread_goes_on_after_a_write() -> None:
    written: list[str] = []
    first, second = Event(), Event()

    def write(now: Now) -> None:
        written.append(now.doing)
        {"": Event(), "one": first, "two": second}[now.doing].set()

    newest = Newest(Now(1), write)
    with newest.writing():
        newest(Now(1, doing="one"))
        assert first.wait(LONG_S)
        newest(Now(1, doing="two"))
        assert second.wait(LONG_S)
    assert written == ["", "one", "two"]
