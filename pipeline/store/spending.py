"""What model calls have used, summed from `call_settled` lines when somebody asks."""

from pipeline.domain.results import Usage
from pipeline.store.entries import CallSettled
from pipeline.store.line import Line


class Spending:
    """Usage of the open run and of each issue; it only ever counts up."""

    def __init__(self) -> None:
        self._waiting: list[Line] = []
        self._run = Usage()
        self._issues: dict[str, Usage] = {}

    def add(self, line: Line) -> None:
        """Take a `call_settled` line in; it is parsed later."""
        self._waiting.append(line)

    def open_run(self) -> None:
        """Start counting the run anew; issues keep what they have."""
        self._settle()
        self._run = Usage()

    @property
    def run(self) -> Usage:
        """What the open run has used."""
        self._settle()
        return self._run

    @property
    def issues(self) -> dict[str, Usage]:
        """Issue id -> what was used for it; a request id is `<issue id>.<turn number>`."""
        self._settle()
        return self._issues

    def _settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            entry = line.entry
            assert isinstance(entry, CallSettled)
            issue_id = entry.request_id.rpartition(".")[0]
            self._run = self._run.plus(entry.usage)
            self._issues[issue_id] = self._issues.get(issue_id, Usage()).plus(entry.usage)
