"""How a change makes tests say less: deleted, skipped, emptied, left out, their failure ignored.

Found by patterns in the files before and after, in Python, JavaScript and TypeScript, Go and Rust,
and in the files that say how tests are run. A finding is shown to the reviewer; it decides nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.domain.counting import counted
from pipeline.domain.results import Finding, FindingKind
from pipeline.execution.evidence import Ran
from pipeline.execution.junit import name_of_test
from pipeline.git import Repository, changed_blobs, read_blobs
from pipeline.plans.globs import matches_any
from pipeline.settings import TEST_FILES

MOST_FINDINGS = 100
LARGEST = 2**18
"""Bytes of a file that is still looked into."""


@dataclass(frozen=True)
class Language:
    """How tests are written in one language: patterns, which `re` compiles at their first use."""

    test: str
    """Where a test begins; its last group that is not empty is the test's name."""
    skip: str
    """What keeps a test, or all others, from running."""
    assertion: str
    empty: str
    """What does not count: comments, and assertions that cannot fail."""
    ignores: str
    """What ends a test run well whatever its tests say."""


def _p(*parts: str) -> str:
    return "(?m)" + "|".join(parts)


PYTHON = Language(
    test=_p(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(test\w*)[ \t]*\("),
    skip=_p(
        r"\bpytest\.mark\.(?:skip|skipif|xfail)\b",
        r"\bpytest\.(?:skip|xfail|importorskip)\(",
        r"@(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b",
        r"\bself\.skipTest\(",
        r"\braise[ \t]+(?:unittest\.)?SkipTest\b",
        r"\b__test__[ \t]*=[ \t]*False\b",
        r"\bcollect_ignore(?:_glob)?\b",
    ),
    assertion=_p(
        r"\bassert\b", r"\bself\.(?:assert|fail)\w*\(", r"\bpytest\.raises\(", r"\.assert_\w+\("
    ),
    empty=_p(r"#.*$", r"\bassert (?:True|1)\s*$", r"\bself\.assertTrue\(True\)"),
    ignores=_p(
        r"\bos\._exit\(0\)",
        r"\bsys\.exit\(0\)",
        r"\bexitstatus[ \t]*=[ \t]*0\b",
        r"\bdef[ \t]+pytest_(?:collection_modifyitems|runtest_\w+|sessionfinish|report_\w+)\b",
        r"\bTestCase\.\w+[ \t]*=(?!=)",
        r"\bsetattr\((?:\w+\.)*TestCase\b",
    ),
)
SCRIPT = Language(
    test=_p(r"\b(?:it|test)(?:\.\w+){0,4}[ \t]*\([ \t]*(['\"`])(.+?)\1"),
    skip=_p(
        r"\b(?:it|test|describe|suite|context)\.(?:skip|todo|only|fails|failing|skipIf|runIf)\b",
        r"\b[xf](?:it|test|describe)[ \t]*\(",
        r"\{[ \t]*(?:skip|todo|only)[ \t]*:",
        r"\bt\.(?:skip|todo)\(",
        r"\bthis\.skip\(",
    ),
    assertion=_p(r"\bexpect(?:\.\w+)?[ \t]*\(", r"\bassert(?:\.\w+)*[ \t]*\(", r"\.should\b"),
    empty=_p(
        r"//.*$",
        r"/\*(?:[^*]|\*(?!/))*\*/",
        r"\bexpect\((?:true|1)\)\.(?:toBe|toEqual)\((?:true|1)\)",
        r"\bassert(?:\.ok)?\(true\)",
    ),
    ignores=_p(
        r"\bprocess\.exit\(0\)",
        r"\bprocess\.exitCode[ \t]*=[ \t]*0\b",
        r"\b(?:assert|globalThis|global)\.(?:\w+)[ \t]*=(?![=>])",
    ),
)
GO = Language(
    test=_p(r"^func[ \t]+((?:Test|Fuzz|Example)\w*)[ \t]*\("),
    skip=_p(r"\b[tb]\.(?:Skip|Skipf|SkipNow)\(", r"\btesting\.Short\(\)", r"^//go:build ignore\b"),
    assertion=_p(
        r"\b[tb]\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(", r"\b(?:assert|require)\.\w+\("
    ),
    empty=_p(r"//(?!go:build).*$", r"/\*(?:[^*]|\*(?!/))*\*/"),
    ignores=_p(r"\bos\.Exit\(0\)"),
)
RUST = Language(
    test=_p(
        r"#\[(?:\w+::){0,4}test\b[^\]]{0,99}\]\s*(?:#\[[^\]]{0,199}\]\s*){0,8}(?:pub\s+)?(?:async\s+)?fn\s+(\w+)"
    ),
    skip=_p(r"#\[ignore\b", r"#\[cfg\(any\(\)\)\]", r"#\[cfg_attr\([^\]]{0,199}\bignore\b"),
    assertion=_p(r"\b(?:debug_)?assert(?:_eq|_ne|_matches)?!", r"\bpanic!", r"\bunreachable!"),
    empty=_p(r"//.*$", r"/\*(?:[^*]|\*(?!/))*\*/", r"\bassert!\(true\)"),
    ignores=_p(r"\bprocess::exit\(0\)"),
)
LANGUAGES: dict[str, Language] = {
    ".py": PYTHON,
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"), SCRIPT),
    ".go": GO,
    ".rs": RUST,
}

RUNNER_FILES = (
    *("**/Makefile", "**/makefile", "**/GNUmakefile", "**/*.mk", "**/justfile", "**/package.json"),
    *("**/*.sh", "**/tox.ini", "**/noxfile.py", "**/setup.cfg", "**/pytest.ini", "**/conftest.py"),
    *("**/pyproject.toml", "**/.coveragerc", "**/Cargo.toml", "**/.mocharc*", "**/.cargo/*"),
    *("**/jest.config.*", "**/vitest.config.*", "**/.github/workflows/*", "**/.gitlab-ci.yml"),
)
"""Files that say how tests are run, or whether they count."""

IGNORES = _p(
    r"\|\|[ \t]*(?:true|:|exit[ \t]+0|echo)(?![\w.])",
    r";[ \t]*(?:true|exit[ \t]+0)[ \t]*$",
    r"\bset[ \t]+\+e\b",
    r"\bcontinue-on-error:[ \t]*true\b",
    r"\ballow_failure:[ \t]*true\b",
    r"\bignore_outcome[ \t]*=[ \t]*true\b",
    r"--passWithNoTests\b",
    r"^\t-(?=\S)",
    r"--exit-zero\b",
)
LEAVES_OUT = _p(
    r"--deselect\b",
    r"--ignore(?:-glob)?[ =]",
    r"-k[ =]*[\"']?not\b",
    r"-m[ =]*[\"']?not\b",
    r"\b(?:testPathIgnorePatterns|modulePathIgnorePatterns|norecursedirs|testpaths)\b",
    r"--(?:skip|exclude|testPathIgnorePatterns|test-skip-pattern)\b",
    r"--lib\b",
    r"-short\b",
)


@dataclass(frozen=True)
class Pair:
    """One file before and after; empty where it was not, None where it is no more."""

    path: str
    old: str
    new: str | None


@dataclass(frozen=True)
class _Text:
    """One file before and after, without what does not count; empty: it is not there."""

    path: str
    language: Language
    old: str
    new: str
    is_gone: bool


def weaker_tests(repo: Repository, base: str, tree: str) -> tuple[Finding, ...]:
    """Return how the tests of `tree` say less than those of `base`; both are commits or trees."""
    changed = [one for one in changed_blobs(repo, base, tree) if _matters(one.path)]
    wanted = [blob for one in changed for blob in (one.old, one.new) if blob]
    blobs = {
        blob: content.decode("utf-8", "replace")
        for blob, content in read_blobs(repo, wanted, LARGEST).items()
    }
    pairs = [
        Pair(
            one.path,
            blobs.get(one.old or "", ""),
            blobs.get(one.new or "", "") if one.new else None,
        )
        for one in changed
    ]
    return find_weaker(pairs)


def find_weaker(pairs: Sequence[Pair]) -> tuple[Finding, ...]:
    """Return how tests say less, from all changed files that matter together."""
    texts = [_text(one) for one in pairs if PurePosixPath(one.path).suffix in LANGUAGES]
    runners = [one for one in pairs if matches_any(one.path, RUNNER_FILES)]
    found = [*_in_tests(texts), *(finding for one in runners for finding in _in_runner(one))]
    return tuple(found[:MOST_FINDINGS])


def fewer_ran(before: Ran | None, now: Ran) -> Iterator[Finding]:
    """Yield whether a test run had fewer tests than on the base, or skipped more of them."""
    old = before.evidence.tests if before else None
    new = now.evidence.tests
    if old is None or new is None or not now.passed or old.told_by != new.told_by:
        return
    if old.ran is not None and new.ran is not None and new.ran < old.ran:
        detail = f"{new.ran} ran, {old.ran} on the base ({name_of_test(now.evidence.command)})"
        yield Finding(kind="fewer tests ran", detail=detail)
    if old.skipped is not None and new.skipped is not None and new.skipped > old.skipped:
        yield Finding(
            kind="test skipped", detail=f"{new.skipped} skipped, {old.skipped} on the base"
        )


def _matters(path: str) -> bool:
    return PurePosixPath(path).suffix in LANGUAGES or matches_any(path, RUNNER_FILES)


def _text(pair: Pair) -> _Text:
    language = LANGUAGES[PurePosixPath(pair.path).suffix]
    before, after = (re.sub(language.empty, "", text) for text in (pair.old, pair.new or ""))
    return _Text(pair.path, language, before, after, pair.new is None)


def _in_tests(texts: Iterable[_Text]) -> Iterator[Finding]:
    """Yield what became of the tests; one that was moved to another file is still there."""
    before = {one.path: _tests(one.language, one.old) for one in texts}
    after = {one.path: _tests(one.language, one.new) for one in texts}
    there = Counter(name for tests in after.values() for name in tests)
    there.subtract(name for path, tests in after.items() for name in tests if name in before[path])
    for one in texts:
        old, new = before[one.path], after[one.path]
        lost = [name for name in old if name not in new and there[name] <= 0]
        there.subtract(name for name in old if name not in new)
        is_test = bool(old) or matches_any(one.path, TEST_FILES)
        if not is_test:
            continue
        if one.is_gone and (lost or not old):
            detail = counted(len(lost), "test") if lost else ""
            yield _finding("test file deleted", one.path, detail)
            continue
        yield from (_finding("test deleted", one.path, name) for name in lost)
        yield from _skips(one)
        for name in old:
            if name in new and new[name] < old[name]:
                said = f"{name} has {counted(new[name], 'assertion')}, had {old[name]}"
                yield _finding("fewer assertions", one.path, said)
        if more := _more(one.language.ignores, one.old, one.new):
            yield _finding("failure ignored", one.path, more)


def _skips(one: _Text) -> Iterator[Finding]:
    if more := _more(one.language.skip, one.old, one.new):
        yield _finding("test skipped", one.path, more)


def _in_runner(pair: Pair) -> Iterator[Finding]:
    """Yield what a file that runs tests says now and did not before."""
    kinds: dict[FindingKind, str] = {
        "failure ignored": IGNORES,
        "tests left out": LEAVES_OUT,
    }
    known = set(pair.old.splitlines())
    added = "\n".join(line for line in (pair.new or "").splitlines() if line not in known)
    for kind, pattern in kinds.items():
        if found := re.search(pattern, added):
            start = added.rfind("\n", 0, found.start()) + 1
            line = added[start:].partition("\n")[0]
            yield _finding(kind, pair.path, line.strip())


def _tests(language: Language, text: str) -> Mapping[str, int]:
    """Return test -> how many assertions stand between its beginning and the next one's."""
    starts = list(re.finditer(language.test, text))
    ends = [one.start() for one in starts[1:]] + [len(text)] * bool(starts)
    assertion = re.compile(language.assertion)
    found: Counter[str] = Counter()
    for one, end in zip(starts, ends, strict=True):
        name = next(group for group in reversed(one.groups()) if group)
        found[name] += sum(1 for _ in assertion.finditer(text, one.end(), end))
    return found


def _more(pattern: str, old: str, new: str) -> str:
    """Return what a pattern finds more often than before, in the words of the file; or nothing."""
    before = Counter(one.group().strip() for one in re.finditer(pattern, old))
    after = Counter(one.group().strip() for one in re.finditer(pattern, new))
    return ", ".join((after - before).keys()) if after.total() > before.total() else ""


def _finding(kind: FindingKind, path: str, detail: str) -> Finding:
    return Finding(kind=kind, path=name_of_test(path), detail=name_of_test(detail))
