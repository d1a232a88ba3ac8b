import pytest

from pipeline.domain.plan import RiskLevel
from pipeline.domain.solution import FileAction, StepType
from pipeline.plans.risk import STEP_OF_ACTION, STEP_RISK, VERBS, assess, critical_path
from tests.plans.nouns import change, solution, step, task


def test_the_tables_are_complete():
    assert set(STEP_RISK) == set(VERBS) == set(StepType)
    assert set(STEP_OF_ACTION) == set(FileAction)


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("create_file", RiskLevel.LOW),
        ("modify_file", RiskLevel.MEDIUM),
        ("delete_file", RiskLevel.HIGH),
        ("execute_command", RiskLevel.HIGH),
        ("refactor_code", RiskLevel.MEDIUM),
        ("install_package", RiskLevel.MEDIUM),
    ],
)
def test_a_step_has_the_risk_of_the_table(kind, level):
    one = step(kind, "a.py", command="make install")
    assert assess(solution(1, task(1, steps=[one]))).level is level


@pytest.mark.parametrize(
    ("action", "level"),
    [("create", RiskLevel.LOW), ("modify", RiskLevel.MEDIUM), ("delete", RiskLevel.HIGH)],
)
def test_a_file_without_a_step_counts_like_one(action, level):
    assert assess(solution(1, task(1, change("a.py", action)))).level is level


def test_the_riskiest_effect_decides_and_each_reason_is_a_line():
    risk = assess(
        solution(
            1, task(1, change("a.py", "create")), task(2, change("b.py"), change("c.py", "delete"))
        )
    )
    assert risk.level is RiskLevel.HIGH
    assert risk.reasons == ("HIGH: T2 deletes c.py", "MEDIUM: T2 modifies b.py")


def test_a_deletion_is_not_hidden_by_a_harmless_step():
    one = task(1, change("a.py", "delete"), steps=[step("create_file", "a.py")])
    assert assess(solution(1, one)).level is RiskLevel.HIGH


def test_a_command_that_is_a_test_is_no_step():
    one = task(
        1, change("a.py", "create"), steps=[step("execute_command", "t", command="pytest -q")]
    )
    assert assess(solution(1, one)).level is RiskLevel.LOW


def test_a_plan_that_only_creates_says_so():
    assert assess(solution(1, task(1, change("a.py", "create")))).reasons == (
        "LOW: only creates files",
    )


def test_a_plan_that_changes_nothing_is_low():
    assert assess(solution(1)).level is RiskLevel.LOW


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        "deploy/.env",
        ".env.production",
        "src/auth.py",
        "src/AuthProvider.tsx",
        "app/user_permissions/rules.py",
        "lib/oauth.rb",
        "Jenkinsfile",
    ],
)
def test_a_path_that_concerns_security_makes_the_plan_critical(path):
    risk = assess(solution(1, task(1, change(path, "create"))))
    assert risk.level is RiskLevel.CRITICAL
    assert risk.reasons[0].startswith(f"CRITICAL: {path}: ")


@pytest.mark.parametrize("path", ["src/author.py", "docs/authors.md", "src/tokenizer.py", "env.py"])
def test_a_path_that_only_looks_like_it_does_not(path):
    assert critical_path(path) is None
