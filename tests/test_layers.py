"""Imports point down only, stand at the top of their file, and the picture names every module."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pipeline"

LAYERS: list[set[str]] = [
    {"cli", "__main__"},
    {"app"},
    {"observe", "orchestrator"},
    {"phases"},
    {"execution"},
    {"agents", "rehearsal"},
    {"safety"},
    {"plans"},
    {"store"},
    {"events"},
    {"settings"},
    {"domain"},
    {"git", "sandbox"},
    {"paths", "proc"},
    {"clocks", "errors"},
]
"""Highest first, as the picture in docs/architecture.md."""

ALLOWED_REHEARSAL_IMPORTERS = {"cli", "rehearsal"}
SDKS = {
    *("anthropic", "openai", "httpx2", "httpcore2", "genai_prices"),
    *("tree_sitter", "tree_sitter_bash", "yaml"),
}
"""Imported where they are needed, so that `--help` and `status` stay instant."""


def level(name: str) -> int:
    """Return how high a part of the package stands; larger is lower."""
    return next(i for i, layer in enumerate(LAYERS) if name in layer)


def part(path: Path, package: Path) -> str:
    """Return the layer name of a file: its folder, or its own name at the top."""
    relative = path.relative_to(package)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(path: Path) -> list[tuple[ast.stmt, str, bool]]:
    """Return each import of a file: the statement, the module, whether it stands at the top."""
    tree = ast.parse(path.read_text())
    found: list[tuple[ast.stmt, str, bool]] = []
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node, alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import on line {node.lineno}"
            found += [
                (node, f"{node.module}.{alias.name}", id(node) in top) for alias in node.names
            ]
    return found


def problems(path: Path, package: Path = PACKAGE) -> list[str]:
    """Return what is wrong with the imports of one file."""
    mine = part(path, package)
    wrong = []
    for node, module, at_top in imports(path):
        root, _, rest = module.partition(".")
        where = f"{path.relative_to(package.parent)}:{node.lineno}"
        if not at_top and root not in SDKS:
            wrong.append(f"{where}: import of {module} inside a function")
        if root != "pipeline" or not rest:
            continue
        other = rest.split(".")[0]
        if other in ("__version__", "__init__"):
            continue
        if other == "rehearsal" and mine not in ALLOWED_REHEARSAL_IMPORTERS:
            wrong.append(f"{where}: only cli, tests and bench use rehearsal")
        if level(other) < level(mine):
            wrong.append(f"{where}: {mine} imports {other}, which stands above it")
    return wrong


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(PACKAGE)) for p in FILES])
def test_imports_point_down_and_stand_at_the_top(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        assert imports(path) == []
        return
    assert problems(path) == []


@pytest.mark.parametrize(
    ("place", "text", "complaint"),
    [
        ("domain/nouns.py", "from pipeline.store import journal\n", "which stands above it"),
        ("store/disk.py", "import pipeline.cli.entry\n", "which stands above it"),
        ("git/hidden.py", "def f():\n    from pipeline import paths\n", "inside a function"),
        ("phases/play.py", "from pipeline.rehearsal import server\n", "only cli, tests and bench"),
        ("settings.py", "from pipeline.domain import plan\n", None),
        ("agents/sdk.py", "def make():\n    import anthropic\n", None),
    ],
)
def test_a_planted_import_is_noticed(
    tmp_path: Path, place: str, text: str, complaint: str | None
) -> None:
    package = tmp_path / "pipeline"
    planted = package / place
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text)

    found = problems(planted, package)

    assert found == [] if complaint is None else complaint in found[0]
