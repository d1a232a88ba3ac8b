"""Languages, tests and layout are told by a project's files alone."""

import json

import pytest

from pipeline.plans.project import detect_project


def detect(files: dict[str, str]) -> str | None:
    contents = {path: text.encode() for path, text in files.items()}
    return detect_project(contents.get, sorted(files)).test_command


def package(script: str | None) -> str:
    return json.dumps({"scripts": {} if script is None else {"test": script}})


PYTEST = "python -m pytest -q"
UNIT_BELOW = "python -m unittest discover -s tests"
UNIT = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"a.py": ""}, None),
        ({"pytest.ini": "", "a.py": ""}, PYTEST),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, PYTEST),
        ({"setup.cfg": "[tool:pytest]\n"}, PYTEST),
        ({"tests/test_a.py": "def test_a(): pass"}, PYTEST),
        ({"tests/test_a.py": UNIT}, "python -m unittest discover -s tests"),
        ({"tests/__init__.py": "", "tests/test_a.py": UNIT}, "python -m unittest discover"),
        ({"test_a.py": UNIT}, "python -m unittest discover"),
        ({"test_a.py": UNIT, "test_b.py": "import pytest\n"}, PYTEST),
        ({"package.json": package("jest")}, "npm test"),
        ({"package.json": package("jest"), "pnpm-lock.yaml": ""}, "pnpm test"),
        ({"package.json": package("jest"), "yarn.lock": ""}, "yarn test"),
        ({"package.json": package('echo "Error: no test specified" && exit 1')}, None),
        ({"package.json": package(None)}, None),
        ({"package.json": "not json"}, None),
        ({"package.json": "[]"}, None),
        ({"Cargo.toml": "", "src/main.rs": ""}, "cargo test"),
        ({"go.mod": "", "main.go": ""}, "go test ./..."),
        ({"Makefile": "all:\n\ttrue\ntest: all\n\ttrue\n"}, "make test"),
        ({"Makefile": "tests:\n"}, None),
        ({"pyproject.toml": "broken [", "Makefile": "test:\n"}, "make test"),
        ({}, None),
        (
            {"api/pyproject.toml": "", "api/test_a.py": UNIT, "web/package.json": package("jest")},
            "(cd api && python -m unittest discover) && (cd web && npm test)",
        ),
        ({"tests/test_a.py": UNIT, "web/package.json": package("jest")}, UNIT_BELOW),
        ({"Makefile": "test:\n", "web/package.json": package("jest")}, "make test"),
        ({"packages/my app/go.mod": "", "x.py": ""}, "(cd 'packages/my app' && go test ./...)"),
        ({"a/go.mod": "", "a/b/package.json": package("jest")}, "(cd a && go test ./...)"),
        ({"deep/er/still/package.json": package("jest")}, None),
    ],
)
def test_the_test_command(files: dict[str, str], command: str | None) -> None:
    assert detect(files) == command


def test_languages_and_layout() -> None:
    files = ["a.py", "src/b.py", "src/c.py", "web/x.ts", "README.md"]
    project = detect_project(lambda path: None, files)
    assert project.languages == ("Python", "TypeScript")
    assert project.layout == ("src/ (2 files)", "web/ (1 file)", "README.md", "a.py")


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"a.py": ""}, None),
        ({"ruff.toml": ""}, "ruff check ."),
        ({"pyproject.toml": "[tool.ruff]\n"}, "ruff check ."),
        ({"setup.cfg": "[flake8]\n"}, "flake8"),
        ({"Makefile": "lint:\n\truff check .\n", "ruff.toml": ""}, "make lint"),
        ({"package.json": json.dumps({"scripts": {"lint": "eslint ."}})}, "npm run lint"),
        ({"Cargo.toml": ""}, "cargo clippy"),
        ({"go.mod": ""}, "go vet ./..."),
        ({"go.mod": "", ".golangci.yml": ""}, "golangci-lint run"),
        ({".pre-commit-config.yaml": ""}, "pre-commit run --all-files"),
    ],
)
def test_the_linter(files: dict[str, str], command: str | None) -> None:
    contents = {path: text.encode() for path, text in files.items()}
    assert detect_project(contents.get, sorted(files)).lint_command == command
