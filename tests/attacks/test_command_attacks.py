"""Commands of the Execution agent that look like the plan's and do more: none of them may write.

Each of these ran with the workspace writable once.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.agents.permits import Denial, Permit, Permits
from pipeline.domain.solution import Operation, Privilege
from pipeline.plans.shell import dangers, parse
from pipeline.sandbox import Bubblewrap, Jail
from tests.agents.boxes import Desk

LISTED = ("git status", "bash run.sh", "echo hi")

DISGUISED = (
    "for PATH in evil; do git status; done",
    "for GIT_CONFIG_GLOBAL in evil; do git status; done",
    "select PATH in evil; do git status; done",
    "((PATH=1)); git status",
    "case ${PATH:=x} in *) git status;; esac",
    "[[ 'a[$(echo x > f)]' -eq 0 ]]; git status",
    "[[ -v 'a[$(echo x > f)]' ]] && git status",
    "[ -v 'a[$(echo x > f)]' ] && git status",
    "for x in '$(echo x > f)'; do for y in \"${x@P}\"; do git status; done; done",
    "for x in $(( 'a[$(echo x > f)]' )); do git status; done",
    "git() { bash run.sh; }; git status",
    "bash run.sh\r",
    "bash run.sh\xa0",
    "bash run.sh\x85",
    "\x1fbash run.sh",
    "bash run.sh\v",
    "bash == run.sh",
    "bash $ run.sh",
    "git =~ status",
)


def permits(*names: str, write: str = "") -> Permits:
    return Permits(
        listed=LISTED,
        privileges=[Privilege(operation=Operation(name)) for name in names],
        jail=Jail(
            Path("/clone"),
            Path("/w/repo"),
            Path("/objects"),
            write=(Path(write),) if write else (),
        ),
        sandbox=Bubblewrap(),
    )


@pytest.mark.parametrize("script", DISGUISED)
def test_a_command_in_the_disguise_of_a_listed_one_only_looks(script: str) -> None:
    judged = permits().judge(script)
    assert isinstance(judged, Permit)
    assert judged.profile == "plan"


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("install", "pip install x > app.py"),
        ("install", "PATH=mine pip install x"),
        ("install", "mine/pip install x"),
        ("install", "env PATH=mine pip install x"),
        ("install", "python3 mine.py -m pip install x"),
        ("install", "python3 -c 'import mine' -m pip install x"),
        ("git_destructive", "git -c core.fsmonitor=./mine reset --hard"),
        ("git_destructive", "git --exec-path=mine reset --hard"),
        ("git_destructive", "git reset --hard > app.py"),
    ],
)
def test_what_a_grant_opens_is_the_operation_and_nothing_besides(name: str, script: str) -> None:
    judged = permits(name).judge(script)
    assert not isinstance(judged, Permit) or judged.profile == "plan"


@pytest.fixture
def given() -> Iterator[Path]:
    """A folder outside of /tmp, which every command may write."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def test_a_grant_of_a_place_outside_opens_that_place_and_not_the_workspace(
    scratch: Path, given: Path
) -> None:
    (scratch / "objects").mkdir()
    place = Privilege(operation=Operation.FILE_WRITE_EXTERNAL, target=str(given))
    desk = Desk(scratch, sandbox=Bubblewrap(), privileges=(place,), outside=(given,))
    desk.write({"a.txt": "as it was\n"})
    for command in (
        f"sed -i s/was/is/ a.txt {given}/none",
        f'python3 -c \'open("a.txt", "w")\' > {given}/log',
        f"tee a.txt {given}/log < /dev/null",
    ):
        desk.call("run_command", command=command, timeout_s=None)
    assert (desk.workspace / "a.txt").read_text() == "as it was\n"
    assert (given / "log").exists()


@pytest.mark.parametrize("script", ["python3 -mpip install x", "python3 -I -m pip install x"])
def test_every_way_to_call_an_installer_takes_its_privilege(script: str) -> None:
    assert isinstance(permits().judge(script), Denial)


@pytest.mark.parametrize("sign", ["\r", "\v", "\f"])
def test_a_sign_that_only_the_grammar_takes_for_a_blank_makes_a_script_unreadable(
    sign: str,
) -> None:
    assert parse(f"bash run.sh{sign}").problem is not None


@pytest.mark.parametrize(
    "script",
    [
        *("env -S 'rm -rf /'", "env -S'rm -rf /'", "env --split-string='rm -rf /'"),
        *("trap 'rm -rf /' EXIT", "trap -- 'rm -rf /' 0", "alias ls='rm -rf /'; ls"),
        *("rm -rf /./", "rm -rf /../", "rm -rf ../../*", "rm -rf /h*", "rm -rf /home/*"),
        *("rm -rf /opt", "unshare rm -rf /", "setpriv rm -rf /", "ssh-agent rm -rf /"),
        *("cat x > /tmp/../etc/passwd", ". /dev/stdin <<< 'rm -rf /'", "printf '%s' 'ls' | sh"),
        *(r"printf '\x72\x6d -rf /' | sh", r"echo -e '\x72m -rf /' | sh"),
    ],
)
def test_a_danger_in_disguise_is_seen(script: str) -> None:
    assert dangers(parse(script))


@pytest.mark.parametrize(
    "script",
    [
        *(
            "rm -rf /tmp/x ./build ../build-1",
            "trap 'rm -f x' EXIT",
            "alias ll='ls -l'",
            "trap - 0",
        ),
        *("env -S 'python3 -m pytest'", ". ./venv/bin/activate", r"printf 'ls\n' | sh"),
        *("rm -rf /tmp", "echo -e 'a' | sh x.sh", "source tests/env.sh"),
    ],
)
def test_what_is_no_danger_is_left_alone(script: str) -> None:
    assert dangers(parse(script)) == []


@pytest.mark.parametrize(
    "part", ["a;", "a|", "env ", "eval ", "sudo ", "'", "$(", "[", "if a; then "]
)
def test_no_script_keeps_its_reader_busy(part: str) -> None:
    begin = time.monotonic()
    parse(part * (100_000 // len(part)))
    parse(part * (2_000 // len(part)))
    assert time.monotonic() - begin < 2
