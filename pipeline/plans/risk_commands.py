"""Which commands make a plan riskier than that it runs one, and why: one row a kind.

Steps, tests and acceptance count alike. A command of one word counts where it is the program, one
of several where its words follow one another, options left out: `python3 -m pip install` counts.
What is only quoted does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pipeline.domain.plan import RiskLevel
from pipeline.plans.shell import parse


@dataclass(frozen=True)
class CommandRule:
    """Commands of one kind, how risky they are, and why."""

    kind: str
    level: RiskLevel
    reason: str
    commands: tuple[str, ...]
    """The first words of each."""

    @cached_property
    def wanted(self) -> tuple[tuple[str, list[str]], ...]:
        """Each command with its words."""
        return tuple((command, command.split()) for command in self.commands)


COMMAND_RULES: tuple[CommandRule, ...] = (
    CommandRule(
        "publishing",
        RiskLevel.CRITICAL,
        "it publishes, for everybody",
        (
            *("git push", "npm publish", "yarn publish", "pnpm publish", "twine upload"),
            *("uv publish", "poetry publish", "hatch publish", "flit publish", "cargo publish"),
            *("gem push", "docker push", "podman push", "gh release", "gh pr", "mvn deploy"),
        ),
    ),
    CommandRule(
        "production",
        RiskLevel.CRITICAL,
        "it changes what runs in production",
        (
            *("kubectl", "helm upgrade", "helm install", "terraform apply", "terraform destroy"),
            *("pulumi up", "ansible-playbook", "aws", "gcloud", "az", "heroku", "fly deploy"),
            *("serverless deploy", "vercel", "netlify deploy", "ssh", "scp", "rsync"),
        ),
    ),
    CommandRule(
        "another user",
        RiskLevel.CRITICAL,
        "it acts as another user of the machine",
        ("sudo", "su", "doas", "pkexec", "runuser"),
    ),
    CommandRule(
        "database",
        RiskLevel.HIGH,
        "it changes what a database holds",
        (
            *("psql", "mysql", "mariadb", "mongosh", "redis-cli", "alembic upgrade"),
            *("alembic downgrade", "manage.py migrate", "manage.py flush", "rails db:migrate"),
            *("rake db:migrate", "prisma migrate", "flyway migrate", "liquibase update"),
            *("sequelize db:migrate", "knex migrate:latest", "diesel migration"),
        ),
    ),
    CommandRule(
        "installing",
        RiskLevel.MEDIUM,
        "it installs packages",
        (
            *("pip install", "pip3 install", "uv pip", "uv add", "uv sync", "poetry add"),
            *("poetry install", "pipx install", "npm install", "npm ci", "npm i", "yarn add"),
            *("yarn install", "pnpm add", "pnpm install", "bun add", "bun install", "cargo add"),
            *("cargo install", "go get", "go install", "gem install", "bundle install"),
            *("composer require", "composer install", "apt install", "apt-get install"),
            *("apk add", "dnf install", "yum install", "brew install", "conda install"),
        ),
    ),
)


def command_risks(script: str) -> Iterator[tuple[RiskLevel, str]]:
    """Yield why a script is riskier than another one, with the level."""
    called = list(_called(script))
    for rule in COMMAND_RULES:
        for command, wanted in rule.wanted:
            if any(_is(wanted, words) for words in called):
                yield rule.level, f"{command!r}: {rule.reason}"


def _called(script: str) -> Iterator[list[str]]:
    """Yield the words of each command without its options, and each program it is run by."""
    read = parse(script)
    for command in read.commands:
        yield from ([wrapper] for wrapper in command.wrappers)
        words = [word.text for word in command.arguments if not word.text.startswith("-")]
        yield [command.program or "", *(word.rsplit("/", 1)[-1] for word in words)]
    if read.problem is not None:
        yield script.split()


def _is(wanted: list[str], words: list[str]) -> bool:
    """Tell whether `words` call a command of the table."""
    if len(wanted) == 1:
        return words[:1] == wanted
    return wanted[0] in words and any(
        words[i : i + len(wanted)] == wanted for i in range(len(words))
    )
