import pytest

from pipeline.domain.plan import RiskLevel
from pipeline.domain.solution import FileAction, Operation, Privilege, StepType
from pipeline.plans.privileges import TERMS
from pipeline.plans.risk import STEP_OF_ACTION, STEP_RISK, VERBS, assess
from pipeline.plans.risk_commands import COMMAND_RULES
from pipeline.plans.risk_paths import PATH_RULES
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
    assert assess(solution(1, task(1, change(path, "create")))).level is RiskLevel.LOW


# paths: kind of rule -> (path and action that trip it, those that do not)

TRIPS = {
    "CI": ((".gitlab-ci.yml", "create"), ("docs/gitlab-ci.md", "create")),
    "secrets": (("certs/server.pem", "create"), ("app/.env.example", "create")),
    "review": (("docs/CODEOWNERS", "modify"), ("docs/owners.md", "modify")),
    "production": (("infra/main.tf", "create"), ("docs/terraform.md", "create")),
    "API contract": (("api/openapi.v1.yaml", "modify"), ("api/openapi.v1.yaml", "create")),
    "new API contract": (("rpc/user.proto", "create"), ("tests/rpc/user.proto", "create")),
    "entry point": (("src/index.ts", "modify"), ("src/index.ts", "create")),
    "build": (("pyproject.toml", "create"), ("docs/pyproject.md", "create")),
    "dependencies": (("web/package.json", "modify"), ("web/package.md", "modify")),
    "lock file": (("uv.lock", "create"), ("src/lock.py", "create")),
    "database": (("app/migrations/0002_add.py", "create"), ("app/migrating.py", "create")),
    "developers' machines": ((".pre-commit-config.yaml", "modify"), ("pre-commit.md", "modify")),
    "unasked code": (("sitecustomize.py", "create"), ("src/site.py", "create")),
    "agents": (("docs/AGENTS.md", "create"), ("src/agents.py", "create")),
}


def reasons_about(path, action):
    """Return the reasons that a change of one path brings, apart from its step's own."""
    risk = assess(solution(1, task(1, change(path, action))))
    return [line for line in risk.reasons if f" {path}: " in line]


def test_every_rule_about_paths_is_tried():
    assert set(TRIPS) == {rule.kind for rule in PATH_RULES}


@pytest.mark.parametrize("rule", PATH_RULES, ids=lambda rule: rule.kind)
def test_a_path_of_a_kind_has_its_level_and_its_reason(rule):
    (path, action), _ = TRIPS[rule.kind]
    assert f"{rule.level}: {path}: {rule.reason}" in reasons_about(path, action)
    assert assess(solution(1, task(1, change(path, action)))).level.rank >= rule.level.rank


@pytest.mark.parametrize("rule", PATH_RULES, ids=lambda rule: rule.kind)
def test_a_path_of_another_kind_has_not(rule):
    _, (path, action) = TRIPS[rule.kind]
    assert not any(rule.reason in line for line in reasons_about(path, action))


@pytest.mark.parametrize("action", ["modify", "delete"])
def test_an_interface_is_dangerous_to_change_and_not_to_make(action):
    def level(path, action):
        return assess(solution(1, task(1, change(path, action)))).level

    assert level("api/service.proto", action) is RiskLevel.CRITICAL
    assert level("types/index.d.ts", action) is RiskLevel.CRITICAL
    assert level("pkg/__init__.py", action) is RiskLevel.HIGH
    assert level("pkg/__init__.py", "create") is RiskLevel.LOW


def test_a_file_that_is_created_and_then_modified_counts_as_modified():
    tasks = [
        task(1, change("pkg/__init__.py", "create")),
        task(2, change("pkg/__init__.py", "modify")),
    ]
    assert assess(solution(1, *tasks)).level is RiskLevel.HIGH


# commands: kind of rule -> (one that trips it, one that does not)

COMMANDS = {
    "publishing": ("make && git push origin main", "grep 'git push' docs.md"),
    "production": ("terraform apply -auto-approve", "terraform validate"),
    "another user": ("A=1 sudo -n make install", "grep sudo docs.md"),
    "database": ("python manage.py migrate", "python manage.py check"),
    "installing": ("python3 -m pip install .", "pip list"),
}


def test_every_rule_about_commands_is_tried():
    assert set(COMMANDS) == {rule.kind for rule in COMMAND_RULES}


@pytest.mark.parametrize("rule", COMMAND_RULES, ids=lambda rule: rule.kind)
@pytest.mark.parametrize("place", ["step", "test", "acceptance"])
def test_a_command_of_a_kind_has_its_level_wherever_it_stands(rule, place):
    def risk(command):
        made = task(1, change("a.txt", "create"), tests=[command] if place == "test" else ["true"])
        if place == "step":
            made = made.model_copy(
                update={"steps": (step("execute_command", "x", command=command),)}
            )
        accepted = {"commands": [command] if place == "acceptance" else []}
        return assess(solution(1, made, acceptance=accepted))

    trips, does_not = COMMANDS[rule.kind]
    assert any(line.endswith(rule.reason) for line in risk(trips).reasons)
    assert risk(trips).level.rank >= rule.level.rank
    assert not any(rule.reason in line for line in risk(does_not).reasons)


@pytest.mark.parametrize(
    "command",
    ["bash -c 'git push'", "git --no-pager push", "cd x; /usr/bin/git push", "git push '"],
)
def test_a_command_is_found_where_it_runs_or_cannot_be_read(command):
    made = task(1, change("a.txt", "create"), tests=[command])
    assert assess(solution(1, made)).reasons == (
        "CRITICAL: 'git push': it publishes, for everybody",
    )


# privileges, and the agent's word


@pytest.mark.parametrize("operation", list(Operation))
def test_what_is_asked_for_raises_the_risk(operation):
    asked = Privilege(operation=operation, reason="it has to")
    risk = assess(solution(1, task(1, change("a.py", "create")), privileges=(asked,)))
    assert risk.level is TERMS[operation].risk
    assert risk.reasons == (f"{risk.level}: asks for {operation}: {TERMS[operation].means}",)


@pytest.mark.parametrize("said", [None, *RiskLevel])
def test_the_agents_word_raises_the_risk_and_never_lowers_it(said):
    risk = assess(solution(1, task(1, change("a.py")), risk_level=said))
    if said in (None, RiskLevel.LOW, RiskLevel.MEDIUM):
        assert (risk.level, risk.reasons) == (RiskLevel.MEDIUM, ("MEDIUM: T1 modifies a.py",))
    else:
        assert risk.level is said
        assert risk.reasons[0] == f"{said}: the planner says so; what it plans shows MEDIUM"
