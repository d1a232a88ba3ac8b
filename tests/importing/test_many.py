"""Five hundred issues of GitHub in one file: twice is once. How long it takes: bench/startup.py."""

import json
from pathlib import Path

from tests.e2e.night import Night
from tests.importing.fixtures import FOLDER


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


def test_five_hundred_issues_come_in_once(night: Night) -> None:
    source, backlog = night.root.parent / "issues.json", night.root / ".workflow/issues"
    write_many(source)

    first = night.run("import", "--github-json", str(source), "--json").json
    once = (backlog / "issues.jsonl").read_bytes()
    second = night.run("import", "--github-json", str(source), "--json").json

    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert (len(first["added"]), len(first["notes"])) == (500, 501)
    assert (len(second["added"]), len(second["unchanged"]), second["changed"]) == (0, 500, [])
    assert (backlog / "issues.jsonl").read_bytes() == once
    assert len(once.splitlines()) == 500
