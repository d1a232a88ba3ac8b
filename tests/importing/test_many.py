"""Five hundred issues of GitHub in one file, as a person types it: quick, and twice is once."""

import json
import time
from pathlib import Path

from tests.e2e.night import Night
from tests.importing.fixtures import FOLDER

SECONDS = 2.0


def write_many(path: Path) -> None:
    """Write 500 issues as `gh issue list --json` gives them: labels, comments, dependencies."""
    pattern = json.loads((FOLDER / "gh-issue-list.json").read_text())[0]
    many = [
        pattern
        | {
            "number": number,
            "title": f"{pattern['title']} ({number})",
            "body": f"{pattern['body'] * 20}\n\nblocked by #{number - 1}, #{number + 2000}",
            "url": f"https://github.com/acme/shop/issues/{number}",
        }
        for number in range(1, 501)
    ]
    path.write_text(json.dumps(many, indent=2))


def test_five_hundred_issues_come_in_within_two_seconds_and_once(night: Night) -> None:
    source, backlog = night.root.parent / "issues.json", night.root / ".workflow/issues"
    write_many(source)

    def timed() -> dict[str, list[str]]:
        started = time.monotonic()
        process = night.process("import", "--github-json", str(source), "--json")
        out, _ = process.communicate()
        assert process.returncode == 0
        assert time.monotonic() - started < SECONDS
        found: dict[str, list[str]] = json.loads(out)
        return found

    first = timed()
    once = (backlog / "issues.jsonl").read_bytes()
    second = timed()

    assert (len(first["added"]), len(first["notes"])) == (500, 501)
    assert (len(second["added"]), len(second["unchanged"]), second["changed"]) == (0, 500, [])
    assert (backlog / "issues.jsonl").read_bytes() == once
    assert len(once.splitlines()) == 500
