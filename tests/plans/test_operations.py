"""Which commands are privileged operations."""

from pathlib import PurePath

import pytest

from pipeline.domain.solution import Operation
from pipeline.plans.operations import RULES, operations
from pipeline.plans.shell import parse

INSIDE = PurePath("/w/repo")

NEEDED: dict[Operation, tuple[str, ...]] = {
    Operation.INSTALL: (
        *("pip install x", "pip3.12 install -r r.txt", "python3 -m pip install x", "npm ci"),
        *("npm i x", "uv pip install x", "uv add x", "uv sync", "yarn", "yarn add x", "pnpm add x"),
        *(
            "cargo install x",
            "go get x",
            "go mod download",
            "gem install x",
            "apt-get -y install x",
        ),
        *("brew install x", "poetry add x", "sudo pip install x", "bash -c 'pip install x'"),
        *("env A=1 pip install x", "pip --quiet install x", "bundle install", "composer install"),
    ),
    Operation.NETWORK: (
        *("curl -s https://x", "wget x", "ssh h", "scp a h:b", "nc h 80", "rsync a h:b"),
        *("git clone https://x", "git clone git@h:x", "git fetch", "git pull", "git push"),
        *("git -C x push", "git submodule update", "apt-get update", "npm publish", "gh pr list"),
        *("echo $(curl https://x)", "curl http://localhost https://x", "git clone $URL"),
    ),
    Operation.GIT_DESTRUCTIVE: (
        *(
            "git reset --hard",
            "git clean -fdx",
            "git branch -D x",
            "git checkout -f",
            "git rebase x",
        ),
        *("git checkout -- x", "git stash drop", "git stash clear", "git gc --prune=now"),
        *("git update-ref -d x", "git reflog expire --all", "git filter-branch x", "git restore x"),
        *("git -c a=b reset --hard", "find . -exec git clean -f {} \\;", "git commit --amend"),
        *("git push -f /tmp/x main", "git tag -d x", "git worktree remove x", "git prune"),
    ),
    Operation.FILE_WRITE_EXTERNAL: (
        *("echo x > /srv/x", "echo x > ../y", "cp a /home/x", "cp -t /srv a", "mv /srv/a b"),
        *("echo x > /w/repository/y", "touch /w/repo/../z", "tar -xf x -C /srv", "rm /srv/x"),
        *("dd if=a of=/srv/x", "tee -a /srv/x", "sed -i s/a/b/ /etc/hosts", "mkdir -p /srv/x"),
    ),
}
NOTHING = (
    *("pip list", "pip3 --version", "npm test", "npm run build", "uv run pytest", "yarn test"),
    *("cargo build", "cargo test", "go test ./...", "curl http://localhost:8/x", "curl --version"),
    *("curl 127.0.0.1:80", "rsync -a a b", "git clone ../x y", "git clone /tmp/x", "git status"),
    *("git push /tmp/x main", "git fetch ./x", "git commit -m x", "git reset HEAD x", "git stash"),
    *("git clean -n", "git branch x", "git checkout -b x", "git checkout main", "git gc"),
    *("git update-ref x y", "git reflog", "git add -A", "git tag v1", "echo x > y", "cp a b"),
    *("echo x > /tmp/y", "cd sub && echo x > ../y", "tee -a ~/x", "echo x > /dev/null"),
    *("echo x > /w/repo/y", "cp /etc/hosts .", "sed s/a/b/ /etc/hosts", "echo pip install x"),
    *("grep 'git reset --hard' x", "python3 -m pytest -q", "make install-docs"),
)


@pytest.mark.parametrize(
    ("operation", "script"),
    [(operation, script) for operation, scripts in NEEDED.items() for script in scripts],
)
def test_a_privileged_command_is_found_with_a_reason(operation: Operation, script: str) -> None:
    needs = operations(parse(script), INSIDE)
    assert operation in {need.operation for need in needs}
    assert all(need.reason and need.command for need in needs)


@pytest.mark.parametrize("script", NOTHING)
def test_an_ordinary_command_needs_nothing(script: str) -> None:
    assert operations(parse(script), INSIDE) == ()


def test_the_place_that_is_written_is_named() -> None:
    (need,) = operations(parse("echo x > sub/../../y"), INSIDE)
    assert need.target == "/w/y"


def test_the_table_is_in_order_and_every_operation_is_tried() -> None:
    assert list(RULES) == sorted(RULES)
    assert {*NEEDED, Operation.SHELL_EXEC} == set(Operation)
