"""Every event is one plain line, whatever text it carries."""

import dataclasses
import io
import typing
from datetime import UTC, datetime

import orjson
import pytest

from pipeline import events
from pipeline.observe.console import LINES, ConsoleLines, JsonLines, Lines

HOSTILE = "a\x1b[31mred\x07 \u202eback\nnext\u200b"
SAMPLES: dict[object, object] = {
    str: HOSTILE,
    int: 2,
    float: 1.5,
    bool: True,
    float | None: None,
    str | None: HOSTILE,
    tuple[str, ...]: (HOSTILE, "b"),
    datetime: datetime(2026, 11, 21, tzinfo=UTC),
    datetime | None: datetime(2026, 11, 21, tzinfo=UTC),
}
KINDS = sorted(
    (
        kind
        for kind in vars(events).values()
        if isinstance(kind, type)
        and issubclass(kind, events.Event)
        and not issubclass(kind, events.Moment)
        and kind is not events.Event
    ),
    key=lambda kind: kind.__name__,
)


def sample(kind: type[events.Event]) -> events.Event:
    """Return an event of `kind` whose texts are as hostile as they get."""
    types = typing.get_type_hints(kind)
    return kind(**{field.name: SAMPLES[types[field.name]] for field in dataclasses.fields(kind)})


def test_every_event_has_its_line() -> None:
    assert set(LINES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_is_one_line_of_plain_text(kind: type[events.Event]) -> None:
    text = Lines()(sample(kind))

    assert text.isprintable()
    assert "\u202e" not in text


def test_lines_carry_the_time_and_objects_are_json() -> None:
    at = datetime(2026, 11, 21, 2, 46, 1, tzinfo=UTC)
    plain, objects = io.StringIO(), io.StringIO()

    for listener in (ConsoleLines(plain, lambda: at), JsonLines(objects, lambda: at)):
        listener(events.Landed("ISS-1", "SOL-ISS-1-1", "0123456789abcdef", 1))

    assert plain.getvalue().endswith("  landed   ISS-1        SOL-ISS-1-1 as 0123456789 (1 file)\n")
    assert orjson.loads(objects.getvalue()) == {
        "at": "2026-11-21T02:46:01.000Z",
        "event": "Landed",
        "issue_id": "ISS-1",
        "solution_id": "SOL-ISS-1-1",
        "commit": "0123456789abcdef",
        "files": 1,
    }


@pytest.mark.parametrize(
    ("code", "timed_out", "said"),
    [(0, False, "passed"), (2, False, "exit 2"), (137, True, "did not end in its time")],
)
def test_a_command_that_was_cut_off_is_told_apart(code: int, timed_out: bool, said: str) -> None:
    ran = events.CommandRan("suite", "make test", code, 8.0, None, timed_out)
    assert Lines()(ran) == f"test     suite        make test: {said} (8.0 s)"


def test_a_listener_that_fails_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[events.Event] = []

    def broken(_event: events.Event) -> None:
        raise RuntimeError("no")

    events.EventBus([broken, heard.append]).emit(events.Notice("it goes on"))

    assert heard == [events.Notice("it goes on")]
    assert "a listener failed on Notice" in caplog.text


def test_the_column_of_ids_is_as_wide_as_they_are() -> None:
    line = Lines()
    short, longer, endless, again = (
        line(events.IssueBlocked(name, "why"))
        for name in ("ISS-1", "PLATFORM-2026-1042", "x" * 64, "ISS-1")
    )

    assert short == "blocked  ISS-1        why"
    assert longer == "blocked  PLATFORM-2026-1042 why"
    assert endless == f"blocked  {'x' * 64} why"
    assert again == "blocked  ISS-1              why"
