"""No attack gets through: bubblewrap as root and as an ordinary user, Landlock where it says so."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pipeline.sandbox import LACKS, Jail, Kind, Sandbox, find_sandbox
from pipeline.sandbox.landlock import OLDEST_ABI, abi
from tests.attacks.rows import ATTACKS, Attack
from tests.attacks.stage import TERMS, Stage, make_stage
from tests.builders import write_files

SAFETY = Path(__file__).parents[2] / "docs/safety.md"
NOBODY = "65534"
SYSTEM_PYTHON = "/usr/bin/python3"


def name_of(one: Attack) -> str:
    return one.name.replace(" ", "-")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with make_stage() as made:
        yield made


def sandbox(kind: Kind) -> Sandbox:
    if kind == "landlock" and (abi() < OLDEST_ABI or platform.machine() != "x86_64"):
        pytest.skip(f"LOUD: this kernel's Landlock has version {abi()}: nothing of it is tested")
    return find_sandbox(kind, TERMS)


@pytest.mark.parametrize("one", ATTACKS, ids=name_of)
def test_nothing_gets_through_bubblewrap(stage: Stage, one: Attack) -> None:
    walls = sandbox("bwrap")
    if one.name == "fork bomb" and any("processes" in lack for lack in walls.lacks):
        pytest.skip("LOUD: root, and no pids cgroup can be made here: processes are not limited")
    assert stage.attack(walls, one) == []


@pytest.mark.parametrize("one", ATTACKS, ids=name_of)
def test_nothing_gets_through_landlock_but_what_the_docs_name(stage: Stage, one: Attack) -> None:
    walls = sandbox("landlock")
    if one.landlock:
        pytest.skip(f"LOUD: {one.name}: Landlock does not cover it ({one.landlock})")
    assert stage.attack(walls, one) == []


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_a_home_that_lies_elsewhere_is_empty_too(tmp_path: Path, kind: Kind) -> None:
    for name in ("workspace", "checkout", "objects"):
        (tmp_path / name).mkdir()
    jail = Jail(tmp_path / "workspace", tmp_path / "checkout", tmp_path / "objects")
    with TemporaryDirectory(prefix="pipeline-test-home-", dir="/opt") as home:
        write_files(Path(home), {".ssh/id": "a key\n", "data/set": "data\n"})
        os.environ["HOME"] = home
        terms = replace(TERMS, read=(Path(home, "data"),))
        sandbox(kind)
        done = find_sandbox(kind, terms).run(
            f"cat {home}/.ssh/id {home}/data/set 2>/dev/null", jail, "plan", timeout_s=20
        )

    assert done.output == b"data\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="LOUD: only root can become another user")
def test_nothing_gets_through_bubblewrap_as_an_ordinary_user() -> None:
    assert shutil.which("setpriv"), "setpriv is part of util-linux"
    words = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
    words += [SYSTEM_PYTHON, "-B", "-m", "tests.attacks.stage", "bwrap"]

    done = subprocess.run(
        words, cwd=SAFETY.parents[1], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.stdout.endswith(f"{len(ATTACKS)} attacks, 0 got through\n"), done
    assert done.returncode == 0


@pytest.mark.parametrize("one", [one for one in ATTACKS if one.works_bare], ids=name_of)
def test_the_stage_notices_what_gets_through(one: Attack) -> None:
    with make_stage() as stage:
        assert stage.attack(find_sandbox("none"), one) != []


def test_there_are_enough_attacks_of_every_kind() -> None:
    assert len(ATTACKS) >= 60
    assert len({one.name for one in ATTACKS}) == len(ATTACKS)
    kinds = [one.kind for one in ATTACKS]
    assert all(kinds.count(kind) >= 9 for kind in set(kinds)), kinds


def test_what_landlock_lacks_is_in_the_docs_word_for_word() -> None:
    page = SAFETY.read_text("utf-8")
    for lack in LACKS:
        assert f"- {lack}" in page


def test_the_attacks_that_landlock_does_not_stop_are_those_that_the_docs_name() -> None:
    left_out = [one for one in ATTACKS if one.landlock]
    told = SAFETY.read_text("utf-8").partition("are not tried on it")[2].partition("\n\n")[0]
    names = {" ".join(name.split()) for name in re.findall(r"`([^`]+)`", told)}
    assert names == {one.name for one in left_out}
    for one in left_out:
        assert any(str(one.landlock) in lack for lack in LACKS)
