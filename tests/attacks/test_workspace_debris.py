"""What a hostile command leaves in its workspace costs its own issue at most, never the others."""

from pathlib import Path

from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import (
    Move,
    call,
    edit,
    finish_task,
    plan,
    privilege,
    run_command,
    submit_result,
    turn,
    write,
)
from tests.builders import git
from tests.e2e.night import Night

DEEP = (
    "python3 - <<'END'\nimport os\nfor _ in range(1500):\n    os.mkdir('d')\n    os.chdir('d')\nEND"
)
NOT_TEXT = "mkdir $'d\\xf1'; echo x | tee $'tests/\\xff.py' $'\\xfa.txt' $'d\\xf1/n' >/dev/null"
DISGUISED = "echo x | tee $'tests/a\\nb.py' $'tests/\\e[31mred.py' $'tests/\\u202erev.py' './-rf'"
DEBRIS: dict[str, list[Move]] = {
    "DEEP": [run_command(DEEP), call("list_files", path="."), call("search", pattern="x")],
    "BYTES": [run_command(NOT_TEXT)],
    "NAMES": [run_command(DISGUISED)],
    "CLOSED": [run_command("chmod 000 app.py tests .")],
    "PIPE": [run_command("rm README.md; mkfifo README.md tests/pipe.py")],
    "GIT": [run_command("mkdir -p .GIT tests/.git; echo x | tee .GIT/config tests/.git/config")],
    "GITFILE": [run_command("rm -rf .git; ln -s / .git")],
}
SHELL = privilege("shell_exec")
GOOD = edit("app.py", "return a + b", "return b + a")
NOT_FOR_GIT = {"PIPE", "GIT"}


def script() -> Script:
    """Return a turn for each kind of debris, in which the work itself is done well."""
    made = plan(files={"work/{issue_id}.txt": "create"}, tests=["test -d ."], privileges=[SHELL])
    work = [write("work/{issue_id}.txt", "done\n"), finish_task("T1"), *[submit_result()] * 5]
    for name, moves in DEBRIS.items():
        made += turn("executor", name, *moves, *work)
    return made + turn("executor", "*", *work)


def test_debris_of_any_kind_costs_its_own_issue_at_most(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", script()) as night:
        night.add(*DEBRIS, "LAST")
        assert night.run("plan").code == 3
        night.approve_all()

        ended = night.run("run")

        assert ended.code == 4, ended.err
        states = night.states()
        failed = {name for name, state in states.items() if state != "completed"}
        assert failed == NOT_FOR_GIT, [(r["issue_id"], r["error"]) for r in night.executed()]
        assert night.run("run").code == 4
        assert night.run("report").code == 0
        changed = git(night.root, "diff", "--name-only", "-z", "main", night.branch)
        landed = {name for name in changed.split("\0") if name}
        assert landed == {f"work/{name}.txt" for name in states if name not in failed}
