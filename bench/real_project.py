"""A real library, its own test suite in its own virtual environment, and a backlog of five issues.

    python bench/real_project.py [--keep DIR]

Takes the source distribution of python-slugify from the package index, commits it to git, installs
it editable into `.venv` beside its tests' needs, and feeds five issues in GitHub's JSON form
through import, plan, approve and run. Four ask for something sound and have to land, tested by the
library's own suite; the fifth breaks a function and has to fail by that suite. Models are the
stand-in's; everything else is real. Prints what happened and exits 1 when it is not that.
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import edit, execute, plan, run_command, write
from pipeline.rehearsal.server import StandIn

LIBRARY = "python-slugify==9.2.0"
NEEDS = ("text-unidecode", "pytest", "setuptools>=77")
BREAKS = "GH-105"

ISSUES = {
    101: ("Add Dutch to the special replacements", "`ĳ` should become `ij`."),
    102: ("Name the variation selectors", "The ranges in _is_combining_mark are bare numbers."),
    103: ("Say in the README that there is a Dutch table", "Depends on #101."),
    104: ("Tests for add_uppercase_char with an empty list", "It should return an empty list."),
    105: ("Drop numeric references", "Decode &#38; to nothing."),
}

DUTCH_TEST = (
    "from slugify.special import DUTCH, PRE_TRANSLATIONS\n\n\n"
    "def test_the_ligature_has_both_cases():\n"
    "    assert ('\\u0133', 'ij') in DUTCH\n    assert ('\\u0132', 'Ij') in DUTCH\n\n\n"
    "def test_other_tables_are_as_they_were():\n"
    "    assert not set(DUTCH) & set(PRE_TRANSLATIONS)\n"
)
EMPTY_TEST = (
    "from slugify.special import add_uppercase_char\n\n\n"
    "def test_an_empty_list_stays_empty():\n    assert add_uppercase_char([]) == []\n"
)
SELECTORS = "    if '\\ufe00' <= char <= '\\ufe0f' or '\\U000e0100' <= char <= '\\U000e01ef':\n"
NAMED = "    if any(first <= char <= last for first, last in VARIATION_SELECTORS):\n"
BEFORE_SELECTORS = "COMBINING_MARK_CATEGORIES = frozenset(('Mn', 'Mc'))\n"


def script() -> Script:
    """Return what the agents do about the five issues."""
    special, main, readme = "slugify/special.py", "slugify/slugify.py", "README.md"
    dutch = "# Pre translations\n"
    return (
        plan(
            "GH-101",
            files={special: "modify", "tests/test_dutch.py": "create"},
            tests=["python -m pytest -q tests/test_dutch.py"],
            title="add Dutch to the special replacements",
        )
        + execute(
            "GH-101",
            edits=[
                edit(
                    special,
                    dutch,
                    "_DUTCH = [\n    ('\\u0133', 'ij'),\n]\n"
                    f"DUTCH = add_uppercase_char(_DUTCH)\n\n{dutch}",
                ),
                write("tests/test_dutch.py", DUTCH_TEST),
                run_command("python -m pytest -q tests/test_dutch.py"),
            ],
        )
        + plan(
            "GH-102",
            files={main: "modify"},
            tests=["python -m pytest -q tests/test_modern_combining_marks.py"],
            title="name the variation selectors",
        )
        + execute(
            "GH-102",
            edits=[
                edit(main, SELECTORS, NAMED),
                edit(
                    main,
                    BEFORE_SELECTORS,
                    BEFORE_SELECTORS + "VARIATION_SELECTORS = "
                    "(('\\ufe00', '\\ufe0f'), ('\\U000e0100', '\\U000e01ef'))\n",
                ),
            ],
        )
        + plan(
            "GH-103",
            files={readme: "modify"},
            tests=["grep -q DUTCH README.md"],
            title="name the Dutch table in the readme",
        )
        + execute(
            "GH-103",
            edits=[edit(readme, "## Quickstart\n", "`special.DUTCH` is new.\n\n## Quickstart\n")],
        )
        + plan(
            "GH-104",
            files={"tests/test_empty.py": "create"},
            tests=["python -m pytest -q tests/test_empty.py"],
            title="test add_uppercase_char with an empty list",
        )
        + execute("GH-104", edits=[write("tests/test_empty.py", EMPTY_TEST)])
        + plan(
            BREAKS,
            files={main: "modify"},
            tests=["python -c 'import slugify'"],
            title="drop numeric references",
        )
        + execute(BREAKS, edits=[edit(main, "        return chr(value)\n", "        return ''\n")])
    )


def fetch(folder: Path) -> Path:
    """Fetch the library's source distribution, commit it, install it; return its folder."""
    downloads = folder / "downloads"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    call([*pip, "-d", str(downloads), LIBRARY], folder)
    with tarfile.open(next(downloads.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    root = next(path for path in folder.iterdir() if (path / "pyproject.toml").exists())
    (root / ".gitignore").write_text(".venv/\n*.egg-info/\n__pycache__/\n.pytest_cache/\n")
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
    call([*git, "init", "-q", "-b", "main"], root)
    call([*git, "add", "-A"], root)
    call([*git, "commit", "-q", "-m", "the library as released"], root)
    call([sys.executable, "-m", "venv", ".venv"], root)
    python = str(root / ".venv" / "bin" / "python")
    call([python, "-m", "pip", "install", "-q", *NEEDS], root)
    call([python, "-m", "pip", "install", "-q", "--no-build-isolation", "-e", "."], root)
    return root


def call(words: Sequence[str], folder: Path) -> None:
    """Run a command that has to succeed."""
    subprocess.run(words, cwd=folder, check=True)


def pipeline(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `pipeline` in the library's repository, its events on our stderr."""
    print("$ pipeline", *words, flush=True)
    program = [sys.executable, "-m", "pipeline", *words, "-C", str(root)]
    return subprocess.run(program, check=False, text=True, stdout=subprocess.PIPE)


def night(root: Path, url: str) -> dict[str, dict[str, object]]:
    """Import, plan, approve, run; return the last attempt's record of each issue."""
    os.environ |= {
        "PIPELINE_RUN_REHEARSAL": "true",
        "PIPELINE_PLANNER_PROVIDER": "anthropic",
        "PIPELINE_PLANNER_BASE_URL": url,
        "PIPELINE_EXECUTOR_PROVIDER": "openai",
        "PIPELINE_EXECUTOR_BASE_URL": f"{url}/v1",
    }
    found = root.parent / "issues.json"
    found.write_text(
        json.dumps(
            [
                {
                    "number": number,
                    "title": title,
                    "body": body,
                    "state": "open",
                    "user": {"login": "someone"},
                    "author_association": "MEMBER",
                    "labels": [],
                }
                for number, (title, body) in ISSUES.items()
            ]
        )
    )
    print(pipeline(root, "init").stdout)
    print(pipeline(root, "import", "--github-json", str(found)).stdout)
    print(pipeline(root, "doctor").stdout)
    pipeline(root, "plan")
    pipeline(root, "approve", *(f"SOL-GH-{number}-1" for number in ISSUES))
    print(pipeline(root, "run").stdout)
    records = json.loads((root / ".workflow" / "execution-results.json").read_text())["results"]
    return {record["issue_id"]: record for record in records}


def main() -> int:
    """Run the night and hold what came of it against what has to come of it."""
    options = argparse.ArgumentParser(description="a night on a real library")
    options.add_argument("--keep", type=Path, help="work there and leave it to look at")
    keep = options.parse_args().keep
    with tempfile.TemporaryDirectory(prefix="pipeline-real-") as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in ("STATE", "CACHE", "CONFIG"):
            os.environ[f"XDG_{kind}_HOME"] = str(folder / kind.lower())
        root = fetch(folder)
        with StandIn(script()) as server:
            records = night(root, server.url)
    wrong = 0
    for number in ISSUES:
        record = records.get(f"GH-{number}", {"status": "never tried"})
        expected = "failed" if f"GH-{number}" == BREAKS else "completed"
        wrong += record["status"] != expected
        print(f"GH-{number}: {record['status']} {record.get('error') or ''}".rstrip()[:200])
    print(
        "as it has to be" if not wrong else f"{wrong} of {len(ISSUES)} are not as they have to be"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
