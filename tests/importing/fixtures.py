"""The fixtures of `tests/fixtures`, and what each of them is imported as."""

from pathlib import Path

from pipeline.paths import Places
from pipeline.store.importing.entering import ImportReport, enter
from pipeline.store.importing.forms import FORMS, read_batch

FOLDER = Path(__file__).parent.parent / "fixtures"

GIVEN: dict[str, tuple[str, Path]] = {
    "origin": ("origin-jsonl", FOLDER / "origin-issues.jsonl"),
    "origin, recognised": ("jsonl", FOLDER / "origin-issues.jsonl"),
    "github rest": ("github-json", FOLDER / "github-rest.json"),
    "gh list": ("github-json", FOLDER / "gh-issue-list.json"),
    "markdown file": ("markdown", FOLDER / "backlog.md"),
    "markdown folder": ("markdown", FOLDER / "backlog"),
}
"""Name -> option of `pipeline import`, and its value."""


def bring_in(places: Places, name: str) -> ImportReport:
    """Import one fixture."""
    form, path = GIVEN[name]
    return enter(places, read_batch(FORMS[form], path))
