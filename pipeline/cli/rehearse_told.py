"""How a rehearsal is told on a terminal: what it is, then what came of each fault, as a table."""

import shutil
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

import typer

from pipeline.app.project import Project
from pipeline.cli.output import GAP, print_text
from pipeline.cli.rehearse_outcome import FaultRow, Outcome
from pipeline.domain.counting import counted
from pipeline.domain.issue import Issue
from pipeline.plans.sanitize import clean

HEAD = ("FAULT", "STRUCK", "WHAT THE RUN DID", "COST", "OUTCOME")
SHARES = (0.23, 0.41, 0.16, 0.20)
"""Of the width that the first column leaves."""
UNMET = "no issue came to where it strikes, or this machine cannot play it (docs/rehearsing.md)"
NARROWEST, WIDEST = 60, 140

BEFORE = """\
A rehearsal of {issues} at {base} of {root},
in a throw-away clone at its place, against a stand-in for the models on this machine. No key is
used, no money is spent, nothing leaves this machine; your checkout, .workflow/ and branches stay
as they are.
What waits for a decision is approved here, for the rehearsal alone."""


def tell_before(
    project: Project, base: str, issues: Sequence[Issue], tell: Callable[[str], None]
) -> None:
    """Say what is going to happen, and what is not."""
    count = counted(len(issues), "issue")
    said = BEFORE.format(issues=count, base=base[:7], root=clean(str(project.repo.root)))
    tell(" ".join(said.split()))
    tell("")


def tell_line(line: str) -> None:
    """Write what is being done, in as many rows as it takes."""
    print_text(_wrapped(line, _width()) if len(line) > _width() else line)


def tell_outcome(outcome: Outcome) -> None:
    """Write what came of it."""
    width = _width()
    met = [row for row in outcome.faults if row.struck]
    rows = [(row.fault, row.struck or "", row.did, cost(row), row.outcome) for row in met]
    settings = [(row.fault, row.settings) for row in outcome.faults]
    if met:
        _section("What the run did with each fault", table([HEAD, *rows], SHARES, width))
    for row in outcome.faults:
        if not row.struck:
            typer.echo(f"\nnot met: {row.fault}: {UNMET}")
    for heading, lines in (
        (
            "Settings that would have stopped it earlier, or let it go on",
            list(table(settings, (1.0,), width)),
        ),
        ("What tonight's run needs from you", _items(outcome.needs, width)),
        ("What did not land", _items(outcome.left, width)),
        ("LOST", _items(outcome.lost, width)),
    ):
        if lines:
            _section(heading, lines)
    lost = f"{len(outcome.lost)} lost" if outcome.lost else "nothing lost"
    typer.echo(
        f"\n{outcome.landed} of {counted(outcome.issues, 'issue')} landed, {len(met)} of "
        f"{counted(len(outcome.faults), 'fault')} met, {lost}, {outcome.seconds:.0f} s"
    )


def table(rows: Sequence[Sequence[str]], shares: Sequence[float], width: int) -> Iterator[str]:
    """Yield rows as aligned columns: the first as wide as it is, the others wrapped by `shares`."""
    first = max((len(row[0]) for row in rows), default=0)
    rest = width - first - len(GAP) * len(shares)
    widths = [first, *(int(rest * share) for share in shares)]
    for row in rows:
        cells = [
            textwrap.wrap(clean(cell), w, break_on_hyphens=False)
            for cell, w in zip(row, widths, strict=True)
        ]
        for parts in zip_longest(*cells, fillvalue=""):
            yield GAP.join(part.ljust(w) for part, w in zip(parts, widths, strict=True)).rstrip()


def _section(heading: str, lines: Iterable[str]) -> None:
    typer.echo(f"\n== {heading}\n")
    print_text("\n".join(lines))


def _items(lines: Sequence[str], width: int) -> list[str]:
    return [_wrapped(one, width) for one in lines]


def _wrapped(line: str, width: int) -> str:
    return textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False)


def cost(row: FaultRow) -> str:
    """Say what a fault cost: time, calls made again, processes started again."""
    calls = "" if not row.calls else f", {counted(row.calls, 'call')}"
    again = counted(row.processes, "new process", "new processes")
    return f"{row.seconds:.1f} s{calls}" + (f", {again}" if row.processes else "")


def _width() -> int:
    return min(max(shutil.get_terminal_size((100, 24)).columns, NARROWEST), WIDEST)
