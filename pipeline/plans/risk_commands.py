"""Which commands make a plan riskier than that it runs one, and why: one row a kind.

Steps, tests and acceptance count alike. A command of one word counts where a command begins, one of
several wherever they stand one after the other: one that is only mentioned may count too, which can
raise a level and never lowers it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.domain.plan import RiskLevel


@dataclass(frozen=True)
class CommandRule:
    """Commands of one kind, how risky they are, and why."""

    kind: str
    level: RiskLevel
    reason: str
    commands: tuple[str, ...]
    """The first words of each."""


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

_PIECES = re.compile(r"[;&|()`\n]+")
_WORD = re.compile(r"[^\s<>'\"$]+")
_ASSIGNMENT = re.compile(r"\w+=")


def command_risks(script: str) -> Iterator[tuple[RiskLevel, str]]:
    """Yield why a script is riskier than another one, with the level."""
    said = [_words(piece) for piece in _PIECES.split(script)]
    for rule in COMMAND_RULES:
        for command in rule.commands:
            sign = f" {command} " if " " in command else f"^ {command} "
            if any(sign in words for words in said):
                yield rule.level, f"{command!r}: {rule.reason}"


def _words(piece: str) -> str:
    """Return the words of one command, `^` before them, programs without their folder."""
    words = [word.rsplit("/", 1)[-1] for word in _WORD.findall(piece)]
    while words and _ASSIGNMENT.match(words[0]):
        del words[0]
    return f"^ {' '.join(words)} "
