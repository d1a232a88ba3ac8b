"""What the agents answer in the documents' evenings."""

from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import edit, execute, plan, read, run_command, task

TESTS = "python3 -m unittest -q"

OLD_RULE = 'NOT_KEPT = re.compile(r"[^a-z0-9_]+")'
NEW_RULE = 'NOT_KEPT = re.compile(r"[^a-z0-9]+")'
LAST_TEST = "\n\nif __name__"
UNDERSCORE_TEST = """
    def test_an_underscore_becomes_a_hyphen(self):
        self.assertEqual(slug("snake_case"), "snake-case")
"""
EMPTY_TEST = """
    def test_a_text_without_letters_is_refused(self):
        with self.assertRaises(ValueError):
            slug("!!!")
"""
OLD_END = 'return NOT_KEPT.sub("-", text.lower()).strip("-")'
NEW_END = """found = NOT_KEPT.sub("-", text.lower()).strip("-")
    if not found:
        raise ValueError(f"no letter or digit in {text!r}")
    return found"""


def _underscores() -> Script:
    said = {
        "title": "turn underscores into hyphens",
        "goal": "`slug('snake_case')` is `snake-case`, as every other separator already is.",
        "approach": "NOT_KEPT in slug.py lists the underscore among what is kept; it goes.",
        "acceptance_commands": ['python3 -c \'import slug; assert slug.slug("a_b") == "a-b"\''],
    }
    work = task(
        "T1",
        title="treat the underscore as a separator",
        files={"slug.py": "modify", "test_slug.py": "modify"},
        tests=[TESTS],
    )
    return plan("ISS-001", before=[read("slug.py")], tasks=[work], **said) + execute(
        "ISS-001",
        edits=[
            edit("test_slug.py", LAST_TEST, UNDERSCORE_TEST + LAST_TEST),
            edit("slug.py", OLD_RULE, NEW_RULE),
        ],
        summary="The underscore is a separator like the others.",
    )


def _empty() -> Script:
    first = {
        "title": "return 'untitled' for a text without letters",
        "goal": "`slug('!!!')` is `untitled` and no longer empty.",
        "approach": "slug() falls back to a fixed word.",
        "risk": None,
        "privileges": [],
        "clarifying_questions": ["Would an error be better than a made-up word?"],
    }
    second = {
        "title": "refuse a text without letters",
        "goal": "`slug('!!!')` raises a ValueError that names the text.",
        "approach": "slug() raises where nothing is left, as the review asks.",
    }
    work = task(
        "T1",
        title="say what happens when nothing is left",
        files={"slug.py": "modify", "test_slug.py": "modify"},
        tests=[TESTS],
    )
    return (
        plan("ISS-002", tasks=[work], number=1, **first)
        + plan("ISS-002", tasks=[work], number=2, **second)
        + execute(
            "ISS-002",
            edits=[
                run_command("grep -n return slug.py"),
                edit("test_slug.py", LAST_TEST, EMPTY_TEST + LAST_TEST),
                edit("slug.py", OLD_END, NEW_END),
            ],
            summary="A text without letters or digits is a ValueError.",
        )
    )


def tutorial_script() -> Script:
    """Return the agents of docs/tutorial.md: two issues, the second planned twice."""
    return _underscores() + _empty()
