"""What a command may use and where it may write, by profile; toolchains work within that."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.proc import Finished
from pipeline.sandbox import Bubblewrap, CommandLimits, Jail, Profile, Terms
from pipeline.sandbox.groups import find_groups
from pipeline.sandbox.jail import WRITABLE
from pipeline.sandbox.limits import KILLED, MB, SPARE_FILES, SPARE_MB, WHY_ENDED, DiskWatch, Free
from tests.builders import write_files

NODE_TEST = """
const test = require('node:test'), assert = require('assert'), http = require('http');
test('a dependency', () => assert.equal(require('leaf'), 42));
test('loopback and interfaces', async () => {
  require('os').networkInterfaces();
  const server = http.createServer((_, answer) => answer.end('ok')).listen(0);
  await new Promise(done => server.on('listening', done));
  const answer = await fetch('http://127.0.0.1:' + server.address().port);
  assert.equal(await answer.text(), 'ok');
  server.close();
});
"""


@pytest.fixture
def jail(tmp_path: Path) -> Jail:
    for name in ("workspace", "checkout", "objects", "granted", "named", "read"):
        (tmp_path / name).mkdir()
    return Jail(
        tmp_path / "workspace",
        tmp_path / "checkout",
        tmp_path / "objects",
        write=(tmp_path / "granted",),
    )


@pytest.mark.parametrize("profile", list(WRITABLE))
def test_a_profile_says_what_can_be_written(jail: Jail, tmp_path: Path, profile: Profile) -> None:
    terms = Terms(read=(tmp_path / "read",), write=(tmp_path / "named",))
    places = {"workspace": ".", "granted": tmp_path / "granted", "named": tmp_path / "named"}
    script = "; ".join(f"touch {place}/{name}" for name, place in places.items())
    Bubblewrap(terms=terms).run(f"{script}; touch {tmp_path}/read/x", jail, profile, timeout_s=10)
    written = {name for name in places if (tmp_path / name / name).exists()}
    may = WRITABLE[profile]
    assert written == {
        *(["workspace"] if "workspace" in may else []),
        *(["granted", "named"] if "granted" in may else []),
    }
    assert not (tmp_path / "read/x").exists()


def test_a_place_that_the_user_shows_hides_what_is_ours(jail: Jail, tmp_path: Path) -> None:
    write_files(tmp_path, {"read/data": "data", "read/state/key": "secret"})
    hiding = replace(jail, hide=(tmp_path / "read/state",))
    walls = Bubblewrap(terms=Terms(read=(tmp_path / "read",)))
    done = walls.run(
        f"cat {tmp_path}/read/data {tmp_path}/read/state/key", hiding, "plan", timeout_s=9
    )
    assert b"data" in done.output
    assert b"secret" not in done.output


def test_no_group_is_made_where_the_tables_name_none(tmp_path: Path) -> None:
    write_files(tmp_path, {"cgroup": "0::/\nbroken\n", "mounts": "x /nowhere cgroup2 rw 0 0\nx\n"})
    found = find_groups(CommandLimits(), str(tmp_path / "cgroup"), str(tmp_path / "mounts"))
    assert (found.parents, found.words()) == ((), [])


COMMANDS_IN_GROUPS = """
import os, subprocess, sys
from pipeline.sandbox.groups import find_groups
from pipeline.sandbox.limits import CommandLimits
groups = find_groups(CommandLimits())
groups.spawn(lambda: subprocess.Popen([*groups.words(), "true"])).wait()
if os.fork() == 0:
    sys.exit()
os.wait()
name = f"pipeline-{os.getpid()}-*"
mine = [str(one) for parent in groups.parents for one in parent.folder.glob(name)]
assert len(mine) == len(groups.parents)
print(*mine)
"""


def test_a_process_removes_its_groups_at_its_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS_IN_GROUPS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout.split()) == bool(find_groups(CommandLimits()).parents)
    assert not [place for place in map(Path, done.stdout.split()) if place.exists()]


@pytest.mark.parametrize(
    ("first", "then", "is_full"),
    [
        (Free(10**12, 10**7), Free(10**9, SPARE_FILES), False),
        (Free(10**12, 10**7), Free(SPARE_MB * MB - 1, 10**7), True),
        (Free(10**12, 10**7), Free(10**12, SPARE_FILES - 1), True),
        (Free(10 * MB, 600), Free(6 * MB, 301), False),
        (Free(10 * MB, 600), Free(6 * MB, 299), True),
    ],
)
def test_room_and_number_of_files_are_both_watched(
    tmp_path: Path, first: Free, then: Free, is_full: bool
) -> None:
    seen = iter([first, then])
    assert DiskWatch(tmp_path, lambda: False, lambda _folder: next(seen))() is is_full


def test_a_command_that_leaves_too_little_of_the_disk_ends_as_its_own_failure(
    tmp_path: Path,
) -> None:
    watch = DiskWatch(tmp_path, lambda: False)
    assert not watch()
    tmp_path.rmdir()
    assert watch()
    ended = watch.judged(Finished(-9, b"half", b"", 1.0, stopped=True))
    assert (ended.exit_code, ended.stopped, ended.output) == (KILLED, False, b"half" + WHY_ENDED)


@pytest.mark.skipif(shutil.which("node") is None, reason="LOUD: there is no node here")
def test_a_node_project_with_its_modules_passes_inside(jail: Jail) -> None:
    write_files(
        jail.checkout,
        {
            "node_modules/leaf/package.json": '{"main": "leaf.js"}',
            "node_modules/leaf/leaf.js": "module.exports = 42",
        },
    )
    write_files(jail.workspace, {"a.test.js": NODE_TEST, "node_modules/.keep": ""})
    inside = replace(jail, keep=(jail.checkout / "node_modules",))
    done = Bubblewrap().run("node --test", inside, "verify", timeout_s=30)
    assert done.ok, done.output.decode()
