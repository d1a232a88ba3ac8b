"""What model calls have used, summed from their lines in the journal when somebody asks."""

from collections import defaultdict
from dataclasses import dataclass, field

import orjson
from pydantic import JsonValue

from pipeline.domain.results import Usage
from pipeline.store.bill import Bill
from pipeline.store.line import Line, corrupt

COUNTS = ("calls", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


@dataclass
class _Sum:
    """A running sum; models are built from it only when somebody looks (there are many calls)."""

    models: dict[str, None] = field(default_factory=dict)
    """Those that answered, in the order of their first answers."""
    asked: str = ""
    """The last one that did not answer; it is named where none did."""
    counts: list[int] = field(default_factory=lambda: [0] * len(COUNTS))
    priced: float = 0.0
    """What the calls of known price have cost (USD)."""
    price_unknown: bool = False

    def add(self, usage: dict[str, JsonValue]) -> None:
        names = [name for name in str(usage["model"]).split(", ") if name]
        if usage["calls"]:
            self.models.update(dict.fromkeys(names))
        elif names:
            self.asked = names[-1]
        for place, name in enumerate(COUNTS):
            count = usage[name]
            assert isinstance(count, int)
            self.counts[place] += count
        usd = usage["usd"]
        if isinstance(usd, int | float):
            self.priced += usd
        else:
            self.price_unknown = True

    def usage(self) -> Usage:
        usd = None if self.price_unknown else round(self.priced, 9)
        counts = dict(zip(COUNTS, self.counts, strict=True))
        return Usage(model=", ".join(self.models) or self.asked, usd=usd, **counts)


class Spending:
    """Usage of the open run and of each issue; it only ever counts up."""

    def __init__(self) -> None:
        self._waiting: list[Line] = []
        self._run = _Sum()
        self._bill = Bill()
        self._issues: dict[str, _Sum] = {}
        self._by_role: defaultdict[str, dict[str, _Sum]] = defaultdict(dict)
        self._usages: dict[str, Usage] | None = None

    def add(self, line: Line) -> None:
        """Take a `call_begun` or `call_settled` line in; it is parsed later."""
        self._waiting.append(line)
        self._usages = None

    def open_run(self) -> None:
        """Start counting the run anew; issues keep what they have."""
        self._settle()
        self._run = _Sum()
        self._bill.open_run()

    @property
    def bill(self) -> Bill:
        """What is spent and held, of the open run and of each day."""
        self._settle()
        return self._bill

    @property
    def run(self) -> Usage:
        """What the open run has used."""
        self._settle()
        return self._run.usage()

    @property
    def run_usd(self) -> float:
        """What the open run's calls of known price have cost (USD)."""
        self._settle()
        return round(self._run.priced, 9)

    @property
    def run_seconds(self) -> float:
        """How long the open run had been worked on when its last call was settled."""
        return self.bill.seconds

    @property
    def issues(self) -> dict[str, Usage]:
        """Issue id -> what was used for it; a request id is `<issue id>.<turn number>`."""
        if self._usages is None:
            self._settle()
            self._usages = {issue_id: total.usage() for issue_id, total in self._issues.items()}
        return self._usages

    def by_role(self, issue_id: str) -> dict[str, Usage]:
        """Return role -> what it has used for an issue."""
        self._settle()
        return {role: total.usage() for role, total in self._by_role.get(issue_id, {}).items()}

    def _settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            try:
                data = orjson.loads(line.data)
            except orjson.JSONDecodeError as error:
                raise corrupt(line.seq, "its data is no JSON") from error
            day = line.at.date().isoformat()
            if line.kind == "call_begun":
                self._bill.begin(data, day)
                continue
            self._bill.settle(data, day)
            issue_id = data["request_id"].rpartition(".")[0]
            self._run.add(data["usage"])
            self._issues.setdefault(issue_id, _Sum()).add(data["usage"])
            self._by_role[issue_id].setdefault(data["role"], _Sum()).add(data["usage"])
