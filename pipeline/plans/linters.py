"""Which linter a project's files ask for; it is shown and never run by itself."""

from collections.abc import Callable

from pipeline.plans.manifests import Read, make_target, node_script, tool_table

Says = Callable[[Read, frozenset[str]], bool]


def _ruff(read: Read, names: frozenset[str]) -> bool:
    return bool(names & {"ruff.toml", ".ruff.toml"}) or tool_table(read, "ruff")


def _flake8(read: Read, names: frozenset[str]) -> bool:
    texts = (read("setup.cfg") or b"", read("tox.ini") or b"")
    return ".flake8" in names or any(b"[flake8]" in text for text in texts)


LINTERS: tuple[tuple[str, Says], ...] = (
    ("make lint", lambda read, names: make_target(read, names, "lint")),
    ("ruff check .", _ruff),
    ("flake8", _flake8),
    ("npm run lint", lambda read, names: node_script(read, "lint") is not None),
    ("cargo clippy", lambda read, names: "Cargo.toml" in names),
    (
        "golangci-lint run",
        lambda read, names: bool(names & {".golangci.yml", ".golangci.yaml", ".golangci.toml"}),
    ),
    ("go vet ./...", lambda read, names: "go.mod" in names),
    ("pre-commit run --all-files", lambda read, names: ".pre-commit-config.yaml" in names),
)
"""Command, and what says that it is the project's; asked in this order."""


def lint_command(read: Read, names: frozenset[str]) -> str | None:
    """Return the command of the project's linter, None when no file names one."""
    return next((command for command, says in LINTERS if says(read, names)), None)
