"""What an agent plants in its workspace is gone, and was never run, when the next one begins."""

from pathlib import Path

import pytest

from pipeline import git
from pipeline.execution.toolchains import Toolchains
from pipeline.sandbox import find_sandbox
from tests.builders import make_repository
from tests.execution.conftest import ground

FILES = {
    "app.py": "VALUE = 1\n",
    "test_app.py": "import app\nassert app.VALUE == 1\n",
    "package.json": '{"scripts": {"test": "true"}}',
    ".gitignore": "__pycache__/\nnode_modules/\n*.local\n",
}
MARK = "planted"
RUN = "printf '#!/bin/sh\\necho planted >> $PWD/planted; exec cat\\n'"

PLANTS = {
    "hooks": f"mkdir -p .git/hooks; for h in pre-commit post-checkout reference-transaction"
    f" post-index-change; do {RUN} > .git/hooks/$h; chmod +x .git/hooks/$h; done",
    "file system monitor": f"{RUN} > m; chmod +x m; git config core.fsmonitor $PWD/m",
    "filter": f"{RUN} > m; chmod +x m; git config filter.x.clean $PWD/m; git config filter.x.smudge"
    " $PWD/m; echo '* filter=x' > .git/info/attributes",
    "included settings": "git config include.path /tmp/x; git config core.hooksPath hooks; mkdir"
    f" hooks; {RUN} > hooks/pre-commit; chmod +x hooks/pre-commit",
    "another git folder": "rm -rf .git; echo 'gitdir: /var/tmp/elsewhere' > .git",
    "a link for a git folder": "mv .git real; ln -s real .git",
    "common folder": "echo /var/tmp/elsewhere > .git/commondir; touch .git/config.worktree",
    "nested repository": f"git init -q sub; {RUN} > sub/m; chmod +x sub/m; git -C sub config"
    " core.fsmonitor $PWD/sub/m",
    "conftest": 'echo \'open("planted", "w")\' > conftest.py',
    "start-up module": 'echo \'open("planted", "w")\' | tee sitecustomize.py usercustomize.py',
    "compiled module": "mkdir -p __pycache__; echo x > __pycache__/app.cpython-311.pyc",
    "ignored file": "echo x > settings.local",
    "package script": 'echo \'{"scripts": {"test": "touch planted", "preinstall": "x"}}\''
    " > package.json",
    "program of a package": f"mkdir -p node_modules/.bin; {RUN} > node_modules/.bin/python3; chmod"
    " +x node_modules/.bin/python3",
    "no rights": "mkdir -p a/b; touch a/b/c; chmod 000 a/b a; chmod 500 .",
    "moved index": "git rm -q --cached app.py; git update-index --assume-unchanged test_app.py",
}


@pytest.mark.parametrize("plant", PLANTS)
def test_nothing_planted_is_run_or_left(tmp_path: Path, plant: str) -> None:
    root = make_repository(tmp_path / "checkout", FILES)
    site = ground(root, Toolchains(), find_sandbox("bwrap"))
    before = {path for path in root.rglob("*") if ".git" not in path.parts}
    first = site.workspaces.open("executor", site.head)
    planted = site.sandbox.run(PLANTS[plant], first.jail, "execute", timeout_s=20)
    assert planted.ok, planted.output

    again = site.workspaces.open("executor", site.head)
    tree = git.write_tree(site.repo, again.root, again.index, site.head)
    look = (
        "git status --short; git log -1 --format=%s; python3 test_app.py; ls -A; ls .git/hooks 2>&-"
    )
    seen = site.sandbox.run(look, again.jail, "execute", timeout_s=20).output.decode()

    assert tree == git.tree_of(site.repo, site.head)
    assert set(seen.split()) <= {"start", ".git", "__pycache__", *FILES}
    assert not list(tmp_path.rglob(MARK))
    assert {path for path in root.rglob("*") if ".git" not in path.parts} == before
