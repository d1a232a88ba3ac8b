"""The walls of the sandbox, tried from inside by the attacks that they answer."""

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import SandboxMissing
from pipeline.proc import Finished
from pipeline.sandbox import (
    OBJECTS_MOUNT,
    Bubblewrap,
    Jail,
    Kind,
    Profile,
    Sandbox,
    SandboxFailed,
    Terms,
    Unconfined,
    find_sandbox,
)
from tests.builders import write_files

BWRAP = Bubblewrap("bwrap")


@pytest.fixture
def jail(tmp_path: Path) -> Jail:
    """A jail whose checkout holds what its workspace must not show."""
    write_files(
        tmp_path,
        {
            "checkout/secret.txt": "the user's own",
            "checkout/.git/config": "real",
            "checkout/.venv/bin/tool": "#!/bin/sh\necho tool\n",
            "checkout/generated.py": "made = 1",
            "cache/work/a.txt": "workspace",
            "cache/work/generated.py": "",
            "objects/pack/x": "object",
            "copies/target/built": "b",
        },
    )
    (tmp_path / "cache/work/.venv").mkdir()
    (tmp_path / "cache/work/target").mkdir()
    (tmp_path / "checkout/.venv/bin/tool").chmod(0o755)
    checkout = tmp_path / "checkout"
    return Jail(
        workspace=tmp_path / "cache/work",
        checkout=checkout,
        objects=tmp_path / "objects",
        keep=(checkout / ".venv", checkout / "generated.py"),
        copies=((tmp_path / "copies/target", checkout / "target"),),
        bins=(checkout / ".venv/bin",),
    )


def run(jail: Jail, script: str, profile: Profile = "execute", timeout_s: float = 20) -> Finished:
    return BWRAP.run(script, jail, profile, timeout_s=timeout_s)


def lines(jail: Jail, script: str, profile: Profile = "execute") -> list[str]:
    return run(jail, script, profile).output.decode().splitlines()


def test_the_workspace_is_mounted_at_the_checkouts_path(jail: Jail) -> None:
    assert lines(jail, "pwd; cat a.txt; ls -A") == [
        str(jail.checkout),
        "workspace.venv",
        "a.txt",
        "generated.py",
        "target",
    ]


def test_kept_and_copied_places_are_inside(jail: Jail) -> None:
    assert lines(jail, "tool; cat generated.py; echo; cat target/built; echo >> target/built") == [
        "tool",
        "made = 1",
        "b",
    ]
    assert (jail.copies[0][0] / "built").read_text() == "b\n"
    assert not run(jail, "echo x > .venv/bin/tool").ok
    assert not run(jail, "mv .venv elsewhere").ok


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_a_toolchain_is_shown_without_the_tokens_in_its_settings(jail: Jail, kind: Kind) -> None:
    tools = jail.workspace.parent.parent / "tools"
    write_files(tools, {"etc/npmrc": "//x/:_authToken=abc", "etc/other": "o", "bin/tool": "t"})
    shown = replace(jail, read=(tools,), blank=(tools / "etc/npmrc",))
    script = f"cat {tools}/etc/other {tools}/bin/tool {tools}/etc/npmrc 2>/dev/null"
    done = find_sandbox(kind).run(script, shown, "execute", timeout_s=20)
    assert done.output == b"ot"


def test_a_kept_environment_is_shown_without_them_too(jail: Jail) -> None:
    settings = jail.checkout / ".venv/pip.conf"
    settings.write_text("[global]\nindex-url = https://me:token@registry/simple\n")
    assert lines(replace(jail, blank=(settings,)), "tool; cat .venv/pip.conf") == ["tool"]


def test_execute_writes_the_workspace_and_plan_does_not(jail: Jail) -> None:
    assert run(jail, "echo new > b.txt").ok
    assert (jail.workspace / "b.txt").read_text() == "new\n"
    assert not run(jail, "echo no > c.txt", "plan").ok
    assert not run(jail, "echo no > target/built", "plan").ok
    assert run(jail, "cat b.txt && echo scratch > /tmp/x", "plan").ok


@pytest.mark.parametrize("place", ["/etc", "/usr", "/opt", "/"])
def test_the_machine_is_read_only(jail: Jail, place: str) -> None:
    assert not run(jail, f"touch {place}/planted").ok


def test_root_cannot_remount_it_writable(jail: Jail) -> None:
    for script in (
        "mount -o remount,rw,bind / && touch /etc/planted",
        "unshare -Ur mount -o remount,rw,bind / && touch /etc/planted",
        f"mount -o remount,rw,bind {jail.checkout}/.venv && touch .venv/planted",
        "umount /root",
    ):
        assert not run(jail, script).ok
    assert not Path("/etc/planted").exists()


def test_homes_and_runtime_folders_are_empty(jail: Jail) -> None:
    assert lines(jail, "ls -A /root /home /mnt /media /srv | grep -v : | grep .") == []
    assert lines(jail, "ls -A /run; ls -A /var | sort") == ["pipeline", "run", "tmp"]
    assert run(jail, "echo x > /var/tmp/x").ok


def test_the_machines_own_secrets_are_empty(jail: Jail) -> None:
    assert not run(jail, "grep . /etc/shadow").ok
    assert not run(jail, "ls -A /etc/ssh | grep .").ok


@pytest.mark.parametrize("part", ["read", "write"])
def test_a_place_of_the_settings_does_not_show_them(jail: Jail, part: str) -> None:
    shown = replace(BWRAP, terms=replace(Terms(), **{part: (Path("/etc"),)}))
    script = "grep -q root: /etc/passwd && ! grep . /etc/shadow && ! ls -A /etc/ssh | grep ."
    assert shown.run(script, jail, "plan", timeout_s=10).ok


def test_the_objects_are_there_read_only(jail: Jail) -> None:
    assert BWRAP.objects_path(jail.objects) == OBJECTS_MOUNT
    assert lines(jail, f"cat {OBJECTS_MOUNT}/pack/x") == ["object"]
    assert not run(jail, f"touch {OBJECTS_MOUNT}/planted").ok


def test_hidden_folders_are_empty_wherever_they_lie(jail: Jail) -> None:
    place = Path("/opt/pipeline-test-state")
    place.mkdir(exist_ok=True)
    try:
        (place / "key").write_text("secret")
        assert lines(jail, f"cat {place}/key") == ["secret"]
        assert lines(replace(jail, hide=(place,)), f"ls -A {place}") == []
    finally:
        (place / "key").unlink()
        place.rmdir()


def test_nothing_of_our_environment_leaks(jail: Jail) -> None:
    os.environ["ANTHROPIC_API_KEY"] = "sk-secret"
    env = dict(line.split("=", 1) for line in lines(jail, "env"))
    assert "ANTHROPIC_API_KEY" not in env
    assert env["HOME"] == "/tmp"
    assert env["PYTHONDONTWRITEBYTECODE"] == "1"
    assert env["PATH"].split(":")[0] == str(jail.checkout / ".venv/bin")
    assert "sk-secret" not in run(jail, "cat /proc/*/environ").output.decode("utf-8", "replace")


def test_there_is_no_network_and_no_socket_of_a_daemon(jail: Jail) -> None:
    assert lines(jail, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '") == ["lo"]
    with socket.socket(socket.AF_UNIX) as daemon:
        path = Path("/run") / f"pipeline-test-{os.getpid()}.sock"
        daemon.bind(str(path))
        try:
            assert not run(jail, f"test -e {path}").ok
        finally:
            path.unlink()


def test_other_processes_are_invisible(jail: Jail) -> None:
    assert not run(jail, f"test -e /proc/{os.getpid()}/cmdline && kill -0 {os.getpid()}").ok


def test_a_background_child_neither_hangs_the_reader_nor_survives(jail: Jail) -> None:
    done = run(jail, "(sleep 1; echo late > late.txt) & setsid sleep 30 & echo done")
    assert done.output == b"done\n"
    assert done.duration_s < 1
    assert lines(jail, "ls late.txt") != ["late.txt"]


RUN_ONE = """
import sys
from pathlib import Path
from pipeline.sandbox import Bubblewrap, Jail
jail = Jail(*map(Path, sys.argv[1:4]))
Bubblewrap().run("setsid sleep 3141 & echo > started; wait", jail, "execute", timeout_s=60)
"""


def test_a_killed_pipeline_takes_its_commands_along(jail: Jail) -> None:
    places = [str(jail.workspace), str(jail.checkout), str(jail.objects)]
    ours = subprocess.Popen([sys.executable, "-c", RUN_ONE, *places])
    deadline = time.monotonic() + 20
    while not (children := _sleepers()) and time.monotonic() < deadline:
        select.select([], [], [], 0.02)
    ours.kill()
    ours.wait()
    assert children
    for descriptor in children:
        ended, _, _ = select.select([descriptor], [], [], 5)
        os.close(descriptor)
        assert ended, "a command outlives the pipeline"


def _sleepers() -> list[int]:
    """Return a descriptor of each process that RUN_ONE's script has started."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (place / "cmdline").read_bytes() == b"sleep\x003141\0":
                found.append(os.pidfd_open(int(place.name)))
    return found


def test_the_deadline_keeps_what_was_printed(jail: Jail) -> None:
    done = run(jail, "echo early; setsid sleep infinity & sleep infinity", timeout_s=0.4)
    assert done.timed_out
    assert done.output == b"early\n"


@pytest.mark.parametrize("sandbox", [Bubblewrap(), Unconfined()], ids=["bwrap", "none"])
def test_a_tool_that_ignores_signals_and_leaves_children_is_over_at_its_deadline(
    jail: Jail, sandbox: Sandbox
) -> None:
    nap = f"sleep {os.getpid() + 10**6}"
    deaf = f"trap '' TERM INT HUP; (setsid {nap}) & (setsid setsid {nap} &); {nap}"
    done = sandbox.run(f"{deaf}; echo never", jail, "execute", timeout_s=0.5)
    assert done.timed_out
    assert b"never" not in done.output
    words = nap.replace(" ", "\0").encode()
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if words in _read(p)]
    assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def test_exit_code_and_both_streams_arrive(jail: Jail) -> None:
    done = run(jail, "echo out; echo err >&2; exit 9")
    assert (done.exit_code, done.output) == (9, b"out\nerr\n")


def test_a_script_that_does_not_parse_is_the_commands_failure(jail: Jail) -> None:
    done = run(jail, "if")
    assert done.exit_code == 2
    assert b"syntax error" in done.output


def test_a_command_cannot_pretend_that_the_sandbox_failed(jail: Jail) -> None:
    done = run(jail, "echo 'bwrap: no' >&2; exit 1")
    assert (done.exit_code, done.output) == (1, b"bwrap: no\n")


def test_trouble_of_the_sandbox_itself_is_an_error_and_no_exit_code(jail: Jail) -> None:
    with pytest.raises(SandboxFailed, match="the sandbox did not start: bwrap:"):
        run(replace(jail, workspace=jail.workspace / "gone"), "true")


def test_a_mount_point_behind_an_agents_link_is_left_out(jail: Jail, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (jail.workspace / "sub").symlink_to(f"/oldroot{tmp_path}/victim")
    (jail.checkout / "sub/node_modules").mkdir(parents=True)
    done = run(replace(jail, keep=(jail.checkout / "sub/node_modules",)), "true")
    assert done.ok
    assert list((tmp_path / "victim").iterdir()) == []


def test_it_starts_from_any_thread_that_outlives_it(jail: Jail) -> None:
    found: list[Finished] = []
    thread = threading.Thread(target=lambda: found.append(run(jail, "sleep 0.6; echo alive")))
    thread.start()
    thread.join()
    assert found[0].output == b"alive\n"


def test_what_cannot_work_is_said_in_one_line(tmp_path: Path) -> None:
    before = os.environ["PATH"]
    os.environ["PATH"] = str(tmp_path)
    with pytest.raises(SandboxMissing, match=r"apt-get install bubblewrap.*--sandbox none"):
        find_sandbox("bwrap")
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(SandboxMissing, match=r"does not work here .bwrap: No permissions"):
        find_sandbox("bwrap")
    os.environ["PATH"] = before


# without a sandbox


def test_without_a_sandbox_commands_run_in_the_workspace(jail: Jail) -> None:
    none = find_sandbox("none")
    assert none == Unconfined()
    os.environ["ANTHROPIC_API_KEY"] = "sk-secret"
    done = none.run("pwd; env | grep -c sk-secret", jail, "execute", timeout_s=20)
    assert done.output.decode().splitlines() == [str(jail.workspace), "0"]
    assert none.objects_path(jail.objects) == jail.objects


def test_without_a_sandbox_the_planner_has_no_shell(jail: Jail) -> None:
    assert not Unconfined().has_shell("plan")
    assert Bubblewrap().has_shell("plan")
    with pytest.raises(SandboxMissing):
        Unconfined().run("true", jail, "plan", timeout_s=5)


@pytest.fixture(autouse=True)
def _nothing_is_planted() -> Iterator[None]:
    yield
    assert not Path("/etc/planted").exists()
