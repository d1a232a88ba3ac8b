"""`--github` through the `gh` program: here one that answers from fixtures, or cannot answer."""

import os
import shutil
from pathlib import Path

import pytest

from pipeline.domain.issue import AuthorTrust
from pipeline.store.backlog import load_issues
from tests.e2e.night import Night
from tests.importing.fixtures import FOLDER
from tests.store import builders as make

ANSWERS = f"""
case "$1 $2" in
"issue list") cat {FOLDER}/gh-issue-list.json ;;
"api repos/acme/shop/issues?state=open&per_page=100&page=1") cat {FOLDER}/github-rest.json ;;
*) echo "unknown: $*" >&2; exit 1 ;;
esac
"""


def install(folder: Path, script: str) -> Path:
    """Put a `gh` in front of the path that runs `script`; return the log of its calls."""
    folder.mkdir()
    log = folder / "calls"
    program = folder / "gh"
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\n{script}\n')
    program.chmod(0o755)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    return log


def test_issues_come_with_comments_and_with_who_their_authors_are(night: Night) -> None:
    log = install(night.root.parent / "bin", ANSWERS)

    ended = night.run("import", "--github", "acme/shop", "--label", "bug", "--limit", "50")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("2 added, 0 unchanged\n")
    cart, money = load_issues(make.places_in(night.root))
    assert (cart.author_trust, money.author_trust) == (AuthorTrust.MEMBER, AuthorTrust.OWNER)
    assert [one.author for one in cart.feedback] == ["owner-of-acme", "passer-by"]
    assert cart.depends_on == ("GH-312",)
    assert log.read_text().splitlines()[0] == (
        "issue list --repo acme/shop --state open --limit 50 --json "
        "number,title,body,labels,author,url,state,createdAt,comments --label bug"
    )


def test_a_second_time_changes_nothing_and_neither_does_a_file_that_says_less(
    night: Night,
) -> None:
    install(night.root.parent / "bin", ANSWERS)
    night.run("import", "--github", "acme/shop")

    again = night.run("import", "--github", "acme/shop")
    saved = night.run("import", "--github-json", str(FOLDER / "gh-issue-list.json"))
    rest = night.run("import", "--github-json", str(FOLDER / "github-rest.json"))

    assert again.out == "0 added, 2 unchanged\n"
    assert saved.out == "0 added, 2 unchanged\n"
    assert rest.out == "0 added, 2 unchanged, 2 skipped (closed, or a pull request)\n"


def test_pages_are_asked_for_until_every_author_is_known(night: Night) -> None:
    page = ",".join(
        f'{{"number": {number}, "author_association": "NONE"}}' for number in range(100)
    )
    log = install(
        night.root.parent / "bin",
        f"""
case "$2" in
list) echo '[{{"number": 500, "title": "a"}}]' ;;
*page=1) echo '[{page}]' ;;
*page=2) echo '[{{"number": 500, "author_association": "OWNER"}}]' ;;
esac
""",
    )

    assert night.run("import", "--github", "acme/shop").code == 0

    assert load_issues(make.places_in(night.root))[0].author_trust is AuthorTrust.OWNER
    assert len(log.read_text().splitlines()) == 3


def test_a_full_list_says_that_there_may_be_more(night: Night) -> None:
    install(night.root.parent / "bin", ANSWERS)

    ended = night.run("import", "--github", "acme/shop", "--limit", "2")

    assert "note: acme/shop may have more: the newest 2 were asked for (--limit)" in ended.out


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            "echo 'To get started with GitHub CLI, please run:  gh auth login' >&2; exit 4",
            "gh is not logged in: run `gh auth login`, then import again",
        ),
        (
            "echo 'GraphQL: Could not resolve to a Repository (repository)' >&2; exit 1",
            "gh cannot list the issues of 'acme/shop' (GraphQL: Could not resolve to a Repository "
            "(repository)): nothing was imported",
        ),
        ("exit 3", "gh cannot list the issues of 'acme/shop' (exit code 3): nothing was imported"),
        ("echo '<html>'", "gh answered with no JSON ("),
        ("echo '{}'", "gh answered with no list of issues: nothing was imported"),
        (
            """echo '[{"number": 1}]'""",
            "'acme/shop' issue 1: title is missing: nothing was imported",
        ),
    ],
)
def test_what_gh_cannot_do_is_one_line(night: Night, script: str, says: str) -> None:
    install(night.root.parent / "bin", script)

    ended = night.run("import", "--github", "acme/shop")

    assert ended.code == 1
    assert ended.err.startswith(f"pipeline: {says}"[:70])
    assert ended.err.count("\n") == 1
    assert load_issues(make.places_in(night.root)) == []


def test_without_gh_the_line_says_what_to_do(night: Night) -> None:
    folder = night.root.parent / "bin"
    folder.mkdir()
    git = shutil.which("git")
    assert git is not None
    (folder / "git").symlink_to(git)
    os.environ["PATH"] = str(folder)

    ended = night.run("import", "--github", "acme/shop")

    assert ended.code == 1
    assert ended.err == (
        "pipeline: gh is not installed: see https://cli.github.com, or save the issues elsewhere "
        "and use `pipeline import --github-json FILE`\n"
    )


@pytest.mark.parametrize("name", ["acme", "-x/y", "https://github.com/acme/shop", "a/b/c", "a b/c"])
def test_a_name_that_is_none_is_never_given_to_gh(night: Night, name: str) -> None:
    log = install(night.root.parent / "bin", ANSWERS)

    ended = night.run("import", f"--github={name}")

    assert ended.code == 2
    assert "is no repository of GitHub: write OWNER/REPO" in ended.err
    assert not log.exists()
