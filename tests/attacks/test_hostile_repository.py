"""Repositories that want to run programs of theirs, show files of ours, or just break things."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline import git as ours
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import call, edit, execute, plan, run_command
from tests.builders import git, make_repository
from tests.e2e.night import PROJECT, Night

ODD_NAMES = (
    b"tests/\xff\xfe.txt",
    b"sp ace\n.txt",
    b"-rf",
    b"\xe2\x80\xaebidi.txt",
    b"d\xf1/n.py",
    b"n" * 250,
)
PROGRAMS = (
    "core.fsmonitor",
    "core.sshCommand",
    "core.pager",
    "core.editor",
    "diff.external",
    "diff.x.textconv",
    "diff.x.command",
    "filter.x.clean",
    "filter.x.smudge",
    "filter.x.process",
    "merge.x.driver",
    "gpg.program",
    "trailer.Attempt-Id.command",
    "core.alternateRefsCommand",
    "uploadpack.packObjectsHook",
)
"""Settings that name a program."""
SETTINGS = {
    "commit.gpgSign": "true",
    "log.showSignature": "true",
    "color.ui": "always",
    "diff.noprefix": "true",
    "core.autocrlf": "true",
    "core.sparseCheckout": "true",
    "i18n.logOutputEncoding": "ISO-8859-1",
}
LOOK = (
    call("list_files", path="."),
    call("search", pattern="add"),
    run_command("git status --short; git log -3 --oneline; git diff HEAD"),
)


def lands(night: Night) -> None:
    """Plan, approve and run one issue, and look around with every tool on the way."""
    night.add("ISS-1")
    assert night.run("plan").code == 3
    night.approve_all()
    ended = night.run("run")
    assert ended.code == 0, ended.err
    assert night.run("report").code == 0


def script() -> Script:
    change = edit("app.py", "return a + b", "return b + a")
    planned = plan(files={"app.py": "modify"}, before=LOOK)
    return planned + execute(edits=[change])


def test_no_program_of_the_repositorys_own_is_run(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    files = {**PROJECT, ".gitattributes": "* filter=x diff=x merge=x\n"}
    night = Night(tmp_path / "repo", script(), files=files)
    for name in PROGRAMS:
        git(night.root, "config", name, f"touch {shlex.quote(str(marks / name))}; cat")
    for name, value in SETTINGS.items():
        git(night.root, "config", name, value)
    for name in ("reference-transaction", "post-checkout", "post-index-change", "pre-commit"):
        hook = night.root / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(marks / name))}\n")
        hook.chmod(0o755)

    with night:
        lands(night)

    assert list(marks.iterdir()) == []


def test_a_path_with_relative_entries_finds_no_program_of_the_repository(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    names = ("git", "bwrap", "bash", "sh", "rm", "chmod", "cp", "python3")
    shim = f"#!/bin/sh\necho x >{shlex.quote(str(mark))}\nexit 1\n"
    night = Night(tmp_path / "repo", script(), files=PROJECT | dict.fromkeys(names, shim))
    for name in names:
        (night.root / name).chmod(0o755)
    git(night.root, "commit", "-q", "-a", "-m", "programs")
    assert os.access(night.root / "git", os.X_OK)
    os.environ["PATH"] = f".::./:{os.environ['PATH']}"

    with night:
        lands(night)

    assert not mark.exists()


def test_an_object_that_is_missing_is_not_fetched_by_a_program_of_the_config(
    tmp_path: Path,
) -> None:
    root = make_repository(tmp_path / "repo", PROJECT)
    mark = tmp_path / "mark"
    for name, value in (
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", f"ext::touch {mark}"),
        ("protocol.ext.allow", "always"),
    ):
        git(root, "config", name, value)
    blob = git(root, "rev-parse", "HEAD:README.md")
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    assert ours.show_file(ours.open_repository(root), "HEAD", "README.md") is None
    assert not mark.exists()


def test_names_that_are_no_text_stop_nobody(tmp_path: Path) -> None:
    night = Night(tmp_path / "repo", script())
    for name in ODD_NAMES:
        path = night.root / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"add \xff\x1b[31m\n")
    git(night.root, "add", "-A")
    git(night.root, "commit", "-q", "-m", "odd")

    with night:
        lands(night)


@pytest.mark.parametrize("listed", [("/",), ("/root", "/etc"), ("../../..",)])
def test_a_folder_that_is_no_object_store_is_not_shown_as_one(
    tmp_path: Path, listed: Sequence[str]
) -> None:
    root = make_repository(tmp_path / "repo", PROJECT)
    info = root / ".git" / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text("".join(f"{name}\n" for name in listed))

    assert ours.alternate_stores(ours.open_repository(root)) == ()
