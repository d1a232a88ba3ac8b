"""Rules about the code that a plan carries in its steps."""

import ast
import textwrap
import warnings
from collections.abc import Callable, Iterator

from pipeline.domain.solution import Step, StepType
from pipeline.plans.globs import matches_any
from pipeline.plans.validation.context import Context
from pipeline.plans.validation.rule import Found, Rule, Severity
from pipeline.plans.validation.syntax import LANGUAGES, is_fragment, language_of, problem_of
from pipeline.settings import TEST_FILES

PARTIAL = (StepType.MODIFY_FILE, StepType.REFACTOR_CODE)
"""Steps whose content may be a part of the file."""
SKIPS = frozenset(
    {"skip", "skipif", "skipIf", "skipUnless", "xfail", "expectedFailure", "SkipTest"}
)
"""Names by which unittest and pytest leave a test out."""


def _carried(context: Context, *kinds: StepType) -> Iterator[tuple[str, Step, str]]:
    """Yield each step of these kinds that carries something: place, step, content."""
    for place, step in context.steps:
        if step.type in kinds and step.content and step.content.strip():
            yield f"{place}.content", step, step.content


def _whole(name: str) -> Callable[[Context], Iterator[Found]]:
    """Return the check of whole files of one language."""
    language = LANGUAGES[name]

    def check(context: Context) -> Iterator[Found]:
        for place, step, content in _carried(context, StepType.CREATE_FILE):
            if language_of(step.target) is language and (text := problem_of(language, content)):
                yield place, f"{step.target!r} would be no {name}: {text}"

    return check


def _fragments(context: Context) -> Iterator[Found]:
    for place, step, content in _carried(context, *PARTIAL):
        language = language_of(step.target)
        if language is not None and not is_fragment(language, content):
            yield place, f"does not read as {language.name}, not even as a part of {step.target!r}"


def _skipped(context: Context) -> Iterator[Found]:
    for place, step, content in _carried(context, StepType.CREATE_FILE, *PARTIAL):
        if step.target.endswith(".py") and matches_any(step.target, TEST_FILES):
            yield from ((place, f"{name!r} leaves a test out") for name in _skips(content))


def _skips(text: str) -> list[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = (getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(tree))
    return sorted(SKIPS.intersection(names))


def _syntax(name: str, path: str, wrong: str, right: str) -> Rule:
    part = '{"tasks": [{"steps": [{"type": "create_file", "target": "%s", "content": "%s"}]}]}'
    return Rule(
        f"syntax-{name.lower()}",
        Severity.ERROR,
        f"{name} that the plan carries does not parse",
        "A new file with this content would be broken. It is parsed, never run."
        + _LIMITS.get(name, ""),
        wrong=part % (path, wrong),
        right=part % (path, right),
        check=_whole(name),
    )


_LIMITS = {
    "Python": " The grammar is that of the Python which runs the pipeline: a project on a newer "
    "one may have to switch it off.",
    "JSON": " Files whose programs read comments (tsconfig, .vscode) are left alone, "
    "templates too.",
    "YAML": " Templates (`{{`, `{%`) are left alone.",
}

RULES = (
    _syntax("Python", "src/new.py", "def add(a, b:\\n", "def add(a, b):\\n    return a + b\\n"),
    _syntax("JSON", "data/new.json", "{'a': 1}", '{\\"a\\": 1}'),
    _syntax("TOML", "data/new.toml", "a = \\n", "a = 1\\n"),
    _syntax("YAML", "data/new.yaml", "a: [1\\n", "a: [1]\\n"),
    Rule(
        "syntax-fragment",
        Severity.WARNING,
        "content for a file that is changed does not read as its language",
        "It may be a piece that cannot stand alone, or prose; look at it before you approve it.",
        wrong='{"tasks": [{"steps": [{"type": "modify_file", "target": "app.py", '
        '"content": "def add(a, b:"}]}]}',
        right='{"tasks": [{"steps": [{"type": "modify_file", "target": "app.py", '
        '"content": "    return b + a"}]}]}',
        check=_fragments,
    ),
    Rule(
        "test-skipped",
        Severity.WARNING,
        "code that the plan carries leaves a test out",
        "A test that is skipped or expected to fail says nothing about the change.",
        wrong='{"tasks": [{"steps": [{"type": "create_file", "target": "tests/test_new.py", '
        '"content": "@unittest.skip\\ndef test_a(): ..."}]}]}',
        right='{"tasks": [{"steps": [{"type": "create_file", "target": "tests/test_new.py", '
        '"content": "def test_a(): ..."}]}]}',
        check=_skipped,
    ),
)
