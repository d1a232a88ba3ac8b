import pytest

from pipeline.plans.page import plan_page
from pipeline.plans.validation.syntax import LANGUAGES, is_fragment, language_of, problem_of
from tests.plans.nouns import plan, record

DEEP = 100_000


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.py", "Python"),
        ("a.pyi", "Python"),
        ("package.json", "JSON"),
        ("pyproject.toml", "TOML"),
        (".github/workflows/ci.yml", "YAML"),
        ("a/b.yaml", "YAML"),
        ("tsconfig.json", None),
        ("web/tsconfig.build.json", None),
        (".vscode/settings.json", None),
        ("a.json5", None),
        ("Makefile", None),
    ],
)
def test_a_language_is_known_by_the_name_of_the_file(path, name):
    found = language_of(path)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("Python", "x = 1\ny = (\n", "line 2: '(' was never closed"),
        ("Python", "x = '\0'", "source code string cannot contain null bytes"),
        ("Python", "print '\\d'", "line 1: Missing parentheses"),
        ("JSON", '{"a": 1,\n}', "line 2: "),
        ("JSON", "", "line 1: Expecting value"),
        ("JSON", "[" * DEEP, "it is too deeply nested"),
        ("TOML", "a = 1\na = 2\n", "Cannot overwrite a value (at line 2, column 6)"),
        ("YAML", "a: 1\n b: 2\n", "line 2: mapping values are not allowed"),
        ("YAML", "a: 'b\n", "line 2: found unexpected end of stream"),
        ("YAML", "a: \x01", "unacceptable character"),
    ],
)
def test_what_does_not_parse_is_named_with_its_line(name, text, problem):
    assert problem in str(problem_of(LANGUAGES[name], text))


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize(
    "text", ["[" * DEEP, "-" * DEEP + "1", "a" * DEEP, "{" * DEEP, "\0", "\ud800"]
)
def test_no_text_breaks_a_parser(name, text):
    problem_of(LANGUAGES[name], text)
    is_fragment(LANGUAGES[name], text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Python", "import re\nx = re.compile('\\d')\n"),
        ("YAML", "on: push\nenv:\n  A: ${{ secrets.A }}\n"),
        ("YAML", "name: {{ .Values.name }}\n"),
        ("YAML", "a: !Ref Bucket\n---\nb: &x 1\nc: *x\n"),
        ("YAML", "!!python/object/apply:os.system ['exit 1']\n"),
        ("JSON", '{"name": "{{ cookiecutter.name }}", {% if x %}"a": 1{% endif %}}'),
        ("TOML", "[a]\nb = 2026-11-21T02:29:00Z\n"),
    ],
)
def test_what_parses_is_fine_and_nothing_is_run(name, text):
    assert problem_of(LANGUAGES[name], text) is None


@pytest.mark.parametrize(
    ("name", "text", "fine"),
    [
        ("Python", "    return a\n", True),
        ("Python", "        def f(self):\n            return 1\n", True),
        ("Python", "def f(a, b):", False),
        ("Python", "Return b + a instead.", False),
        ("JSON", '"a": 1,\n"b": 2,', True),
        ("JSON", '{"a": 1}, {"a": 2}', True),
        ("JSON", '"a": ', False),
        ("TOML", 'a = "b"', True),
        ("TOML", "a b c", False),
        ("YAML", "    - run: make\n", True),
        ("YAML", "a: [1", False),
    ],
)
def test_a_fragment_reads_as_a_part_of_its_language(name, text, fine):
    assert is_fragment(LANGUAGES[name], text) is fine


def test_warnings_stand_on_the_page():
    page = plan_page(record(1, plan=plan(warnings=["title: odd [rule-one]", "goal: x [rule-two]"])))
    rows = page.split("\n")
    at = rows.index("warnings   title: odd [rule-one]")
    assert rows[at + 1] == "           goal: x [rule-two]"
