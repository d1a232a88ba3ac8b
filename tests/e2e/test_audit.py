"""`pipeline audit` and `pipeline execplan lint` after a night, as they are typed."""

import os
from pathlib import Path

import orjson

from pipeline.cli.entry import run
from pipeline.paths import Places, UserPlaces
from pipeline.rehearsal.scripting import any_issue
from pipeline.store.journal import Journal
from pipeline.store.run_file import hold
from tests.e2e.night import Night


def test_a_night_can_be_proven_and_told(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2", "ISS-3", "ISS-4")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1", "--comment", "go on")
        night.run("reject", "SOL-ISS-2-1", "--reason", "no need")
        night.run("request-changes", "SOL-ISS-3-1", "smaller")
        night.run("defer", "SOL-ISS-4-1")
        assert night.run("run").code == 3
        places = Places(night.root, UserPlaces.from_environment(), night.root / ".git")

        with hold(places), Journal(places).locked():
            _it_can_be_asked_while_a_run_is_alive(night)
        _the_plans_of_the_night_pass_the_linter(night)
        _a_changed_line_is_named(night)
        _a_cut_off_end_is_named(night)


def _it_can_be_asked_while_a_run_is_alive(night: Night) -> None:
    proof = night.run("audit", "verify", "--json")
    assert proof.code == 0, proof.out
    assert proof.json["flaws"] == []  # type: ignore[index]
    (approval,) = proof.json["approvals"]  # type: ignore[index]
    assert (approval["signed"], approval["reason"]) == (True, "the plan has landed")
    assert "the chain holds\n1 approval: 1 signed, 0 in force\n" in night.run("audit", "verify").out

    told = night.run("audit", "show", "--json")
    rows = told.json
    assert isinstance(rows, list)
    assert [(one["what"], one["solution_id"], one["words"]) for one in rows] == [
        ("approve", "SOL-ISS-1-1", "go on"),
        ("reject", "SOL-ISS-2-1", "no need"),
        ("request changes", "SOL-ISS-3-1", "smaller"),
        ("defer", "SOL-ISS-4-1", ""),
    ]
    assert all(len(one["digest"]) == 64 and one["at"].endswith("Z") for one in rows)
    only = night.run("audit", "show", "--solution", "ISS-3").out.splitlines()
    assert [line.split()[-1] for line in only] == ["WORDS", "smaller"]
    assert night.run("audit", "show", "--since", "2100-01-01").out == "nothing was decided\n"


def _the_plans_of_the_night_pass_the_linter(night: Night) -> None:
    plans = [str(path) for path in sorted((night.root / ".workflow" / "plans").iterdir())]
    assert len(plans) == 5
    assert run(["execplan", "lint", *plans]) == 0


def _a_changed_line_is_named(night: Night) -> None:
    path = night.root / ".workflow" / "journal.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    number = next(n for n, one in enumerate(lines) if b'"event":"reject"' in one)
    lines[number] = lines[number].replace(b"no need", b"by need")
    path.write_bytes(b"".join(lines))

    ended = night.run("audit", "verify")

    assert ended.code == 1
    what = "it was changed: its hash is not that of its bytes"
    assert ended.out.startswith(f"journal.jsonl line {number + 1}: {what}\n")
    path.write_bytes(whole)


def _a_cut_off_end_is_named(night: Night) -> None:
    path = night.root / ".workflow" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))

    ended = night.run("audit", "verify", "--json")

    assert ended.code == 1
    flaws = orjson.loads(ended.out)["flaws"]
    assert [flaw["line"] for flaw in flaws] == [len(lines)] * len(flaws)
    assert any(os.environ["XDG_STATE_HOME"] in flaw["what"] for flaw in flaws)
