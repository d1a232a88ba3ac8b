"""Runs that are over: listed, packed and exported, with nothing lost and no secret in a bundle."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.app.bundle import MOST_OF_A_FILE, shortened
from pipeline.rehearsal.scripting import execute, plan, write
from pipeline.store.packing import unpack
from tests.e2e.night import Ended, Night
from tests.surroundings import own_surroundings

BY_VALUE = "correct-horse-battery-staple-17"
BY_FORM = "ghp_" + "a1B2" * 9
SECRETS = (BY_VALUE, BY_FORM)
PLANTED = " and ".join(SECRETS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("history")


@pytest.fixture(autouse=True)
def _same_user(folder: Path) -> None:
    """Let every test here be the user who ran the night."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        os.environ[f"XDG_{kind}_HOME"] = str(folder / "user" / kind.lower())


@pytest.fixture(scope="module")
def night(folder: Path) -> Iterator[Night]:
    """Give a repository with a closed run, and an open one."""
    path = "work/a.txt"
    script = plan(files={path: "create"}, tests=[f"cat {path}"], title=f"say {PLANTED}") + execute(
        edits=[write(path, f"{PLANTED}\n")]
    )
    with own_surroundings(folder / "user"), Night(folder / "repo", script) as night:
        os.environ["SHOP_PASSWORD"] = BY_VALUE
        night.run("add", f"keep {PLANTED}", "--id", "ISS-1", "-d", PLANTED)
        assert night.run("run", "--auto-approve", "LOW").code == 0
        night.add("ISS-2")
        assert night.run("plan").code == 3
        yield night


def rows(night: Night) -> list[dict[str, object]]:
    found = night.run("history", "--json").json
    assert isinstance(found, list)
    return found


def plant(night: Night) -> None:
    """Put the secrets where the pipeline itself would let none through."""
    flow = night.root / ".workflow"
    for place in ("outputs/EXR-ISS-1-1/planted.txt", "quarantine/EXR-ISS-1-1.patch"):
        (flow / place).parent.mkdir(exist_ok=True)
        (flow / place).write_text(f"{PLANTED}\n")
    for path in [*flow.glob("plans/*.md"), *flow.glob("outputs/EXR-ISS-1-1/*.txt")]:
        path.write_text(f"{path.read_text()}\n{json.dumps({'key': PLANTED})}\n")
    said = flow / "transcripts" / "executor.jsonl"
    first, *rest = said.read_text().splitlines(keepends=True)
    said.write_text(
        "".join([first, first.replace('"role"', f'"planted":{json.dumps(PLANTED)},"role"'), *rest])
    )


def exported(night: Night, run: str, folder: Path) -> Ended:
    return night.run("export-run", run, "--output", str(folder / "night.tar.gz"))


def test_runs_are_listed_exported_without_secrets_packed_and_still_told(
    night: Night, tmp_path: Path
) -> None:
    closed, is_open = rows(night)
    run = str(closed["run_id"])
    assert (closed["state"], closed["landed"], closed["failed"], closed["waiting"]) == (
        *("closed", 1, 0, 0),
    )
    assert (is_open["state"], is_open["landed"], is_open["waiting"]) == ("open", 0, 1)
    assert closed["usd"]
    assert run in night.run("history").out

    plant(night)
    ended = exported(night, run, tmp_path)
    assert ended.code == 0, ended.err
    members = dict(unpack(tmp_path / "night.tar.gz"))
    names = {name.partition("/")[2] for name in members}
    assert {"environment.json", "journal.jsonl", "manifest.json", "report.html"} <= names
    assert {"planning.jsonl", "execution.jsonl", "plans/SOL-ISS-1-1.md"} <= names
    assert {"transcripts/executor.jsonl", "outputs/EXR-ISS-1-1/planted.txt"} <= names
    assert not any("ISS-2" in name for name in names)
    assert [name for name, text in members.items() for one in SECRETS if one.encode() in text] == []
    about = json.loads(members[f"run-{run}/environment.json"])
    assert {"pipeline", "python", "git", "bwrap", "kernel"} <= set(about["versions"])
    assert {"key", "value", "from"} == set(about["settings"][0])
    for line in members[f"run-{run}/journal.jsonl"].splitlines():
        assert json.loads(line)["seq"] >= closed["first_line"]

    flow = night.root / ".workflow"
    before = {path: path.read_bytes() for path in flow.rglob("*") if path.is_file()}
    would = night.run("archive", "--dry-run", "--json").json
    assert isinstance(would, dict)
    assert [one["run_id"] for one in would["archived"]] == [run]
    assert {path: path.read_bytes() for path in before} == before
    assert night.run("archive").code == 0
    packed_of_run = dict(unpack(flow / "archive" / f"{run}.tar.gz"))
    gone = [path for path in before if not path.exists()]
    assert gone
    for path in gone:
        kept = packed_of_run[path.relative_to(flow).as_posix()]
        assert hashlib.sha256(kept).digest() == hashlib.sha256(before[path]).digest()
    said = flow / "transcripts" / "planner.jsonl"
    assert b"ISS-1." not in said.read_bytes()
    assert b"ISS-2." in said.read_bytes()
    parts = packed_of_run["transcripts/planner.jsonl"] + said.read_bytes()
    assert parts == before[said]

    assert rows(night)[0] == closed | {"archived": True}
    assert night.run("audit", "verify").code == 0
    assert night.run("report", run).code == 0
    assert night.run("archive").out.startswith("nothing to archive")
    said = night.run("logs", "--issue", "ISS-1").err
    assert said.startswith("nothing here; what was said in closed runs is in 1 archive in ")
    assert said.endswith(f", the newest {run}.tar.gz\n")
    assert exported(night, run, tmp_path).code == 0
    after = {name.partition("/")[2] for name, _ in unpack(tmp_path / "night.tar.gz")}
    assert names - after == set()


def test_what_a_killed_archive_had_packed_is_removed_by_the_next_one(night: Night) -> None:
    run = str(rows(night)[0]["run_id"])
    flow = night.root / ".workflow"
    for name, content in unpack(flow / "archive" / f"{run}.tar.gz"):
        if name.startswith("outputs/"):
            (flow / name).parent.mkdir(parents=True, exist_ok=True)
            (flow / name).write_bytes(content)

    assert night.run("archive").code == 0

    assert [path.name for path in (flow / "archive").iterdir()] == [f"{run}.tar.gz"]
    assert not (flow / "outputs" / "EXR-ISS-1-1").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("archive", "{open}"), "is open: `pipeline run --new` closes it"),
        (("export-run", "nobody"), "there is no run 'nobody'"),
        (("export-run", "--output", "{flow}/journal.jsonl"), "which is not for this"),
        (("archive", "--older-than", "soon"), "--older-than 'soon'"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    night: Night, words: tuple[str, ...], said: str
) -> None:
    known = {"open": rows(night)[-1]["run_id"], "flow": night.root / ".workflow"}
    ended = night.run(*(word.format(**known) for word in words))
    assert ended.code in (1, 2)
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_long_file_is_cut_in_the_middle() -> None:
    content = b"a" * MOST_OF_A_FILE + b"b" * MOST_OF_A_FILE
    shown = shortened(content)
    assert shown.startswith(b"aaa")
    assert shown.endswith(b"bbb")
    assert b"[.. 1048576 bytes left out ..]" in shown
    assert shortened(b"short") == b"short"
