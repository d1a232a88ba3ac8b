"""The backlog as a working process sees it: read again only when its file has changed."""

from pipeline.domain.issue import Issue
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.backlog import load_issues


class BacklogView:
    """The issues of one repository, by position and by id."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._seen: tuple[int, int, int] | None = None
        self._issues: list[Issue] = []
        self._by_id: dict[str, Issue] = {}

    def issues(self) -> list[Issue]:
        """Return all issues, in the order of the file."""
        self._refresh()
        return self._issues

    def find(self, issue_id: str) -> Issue:
        """Return one issue; raises `PipelineError` when it has left the backlog."""
        self._refresh()
        if issue_id not in self._by_id:
            raise PipelineError(
                f"{issue_id} is no longer in {self._places.issues_file}: put its line back, "
                f"or reject its plan"
            )
        return self._by_id[issue_id]

    def _refresh(self) -> None:
        seen = self._signature()
        if self._seen is None or seen != self._seen:
            self._issues = load_issues(self._places)
            self._by_id = {issue.id: issue for issue in self._issues}
            self._seen = seen

    def _signature(self) -> tuple[int, int, int]:
        try:
            found = self._places.issues_file.stat()
        except FileNotFoundError:
            return (0, 0, 0)
        return (found.st_ino, found.st_size, found.st_mtime_ns)
