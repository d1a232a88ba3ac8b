"""The one place where a tool call becomes an effect."""

import json
import time
from pathlib import Path

import pytest

from pipeline.agents.messages import ToolCall, ToolResult
from pipeline.agents.roles import EXECUTOR, PLANNER, TOOLS, RolePolicy, specs, tool_names
from pipeline.agents.toolbox import Answered, Leash, Refused, Returned
from pipeline.agents.tools.answers import to_solution
from pipeline.agents.tools.room import Room
from pipeline.agents.tools.search import Searching
from pipeline.agents.tools.specs import KINDS
from pipeline.agents.tools.wire import RunCommand, Search, SubmitResult, SubmitSolution, Wire
from pipeline.domain.solution import FileAction
from pipeline.errors import SandboxMissing, Stopped
from pipeline.events import ToolCalled
from pipeline.sandbox import Bubblewrap
from tests.agents.boxes import LONG, REQUEST, Desk, result_arguments, send, solution_arguments


@pytest.fixture
def desk(scratch: Path) -> Desk:
    return Desk(scratch).write({"a.py": "def f():\n    return 1\n", "b/c.txt": "f() there\n"})


def raw(desk: Desk, name: str, arguments: str) -> ToolResult | Returned | Answered:
    return desk.executor().call(ToolCall("c", name, arguments), LONG)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{", "Invalid JSON"),
        ("[]", "the arguments: "),
        ('{"path": "a.py"}', "start_line: Field required"),
        ('{"path": "a.py", "start_line": "1", "end_line": null}', "start_line: Input should be"),
        ('{"path": "a.py", "start_line": 1, "end_line": null, "x": 1}', "x: Extra inputs"),
    ],
)
def test_arguments_that_do_not_fit_go_back_with_the_place(
    desk: Desk, arguments: str, words: str
) -> None:
    result = raw(desk, "read_file", arguments)
    assert isinstance(result, ToolResult)
    assert result.is_error
    assert words in result.text


def test_wrong_answers_name_every_place_at_once(desk: Desk) -> None:
    arguments = solution_arguments()
    arguments["tasks"][0]["files"][0]["action"] = "rename"  # type: ignore[index]
    del arguments["goal"]
    returned = send(desk.planner(), "submit_solution", **arguments)
    assert isinstance(returned, Returned)
    assert returned.counts_as == "answer"
    assert "- tasks[0].files[0].action: " in returned.result.text
    assert "- goal: Field required" in returned.result.text


def test_an_answer_to_another_request_goes_back(desk: Desk) -> None:
    returned = send(desk.executor(), "submit_result", **result_arguments(request_id="ISS-2.1"))
    assert isinstance(returned, Returned)
    assert REQUEST in returned.result.text


def test_an_accepted_plan_becomes_a_solution(desk: Desk) -> None:
    answered = send(desk.planner(), "submit_solution", **solution_arguments())
    assert isinstance(answered, Answered)
    assert isinstance(answered.value, SubmitSolution)
    solution = to_solution(answered.value, solution_id="SOL-ISS-1-1", issue_id="ISS-1")
    assert solution.paths == ("src/auth.py",)
    assert solution.actions("src/auth.py") == {FileAction.MODIFY}
    assert solution.acceptance.commands == ("python -m pytest -q",)
    assert solution.tasks[0].steps[0].target == "src/auth.py"


def test_a_plan_without_a_domain_form_goes_back(desk: Desk) -> None:
    sent = SubmitSolution.model_validate(
        {**solution_arguments(score=7.0)},
        strict=False,
    )
    with pytest.raises(ValueError, match="score"):
        to_solution(sent, solution_id="SOL-ISS-1-1", issue_id="ISS-1")


def test_an_accepted_result_is_a_claim(desk: Desk) -> None:
    arguments = result_arguments(lessons=[{"kind": "path", "text": "a.py"}])
    answered = send(desk.executor(), "submit_result", **arguments)
    assert isinstance(answered, Answered)
    assert isinstance(answered.value, SubmitResult)
    assert answered.value.tests_passed is True
    assert answered.value.lessons[0].text == "a.py"


def test_a_failure_without_a_reason_goes_back(desk: Desk) -> None:
    returned = send(desk.executor(), "submit_result", **result_arguments(status="failed"))
    assert isinstance(returned, Returned)
    assert "reason must say why" in returned.result.text


def test_questions_are_one_line_each_and_at_least_one(desk: Desk) -> None:
    questions = {"request_id": REQUEST, "questions": ["Which\n one? ", " "]}
    answered = send(desk.planner(), "needs_clarification", **questions)
    assert answered == Answered(("Which one?",))
    returned = send(desk.planner(), "needs_clarification", request_id=REQUEST, questions=[])
    assert isinstance(returned, Returned)


def test_a_judge_can_send_an_answer_back_for_repair(desk: Desk) -> None:
    desk.verdict = Refused("2 tests fail", counts_as="repair")
    returned = send(desk.executor(), "submit_result", **result_arguments())
    assert isinstance(returned, Returned)
    assert (returned.counts_as, returned.result.text) == ("repair", "2 tests fail")


def test_finish_task_hands_over_the_task(desk: Desk) -> None:
    result = desk.call("finish_task", task_id="T1", summary="done")
    assert desk.finished == [("T1", "done")]
    assert result.text == "T1: all tests passed"


def test_each_call_is_told_in_one_clean_line(desk: Desk) -> None:
    desk.call("run_command", command="echo \x1b[31mred\u202e\necho two", timeout_s=None)
    event = desk.events[-1]
    assert isinstance(event, ToolCalled)
    assert event.summary == "echo red echo two"
    assert not event.is_error


class Nobody:
    def refusal(self, tool: str, arguments: Wire) -> str | None:
        return f"{tool} is not allowed now"


def test_the_policy_is_asked_before_the_effect(desk: Desk) -> None:
    box = desk.executor()
    box._policy = Nobody()
    result = send(box, "write_file", path="x", content="x")
    assert isinstance(result, ToolResult)
    assert result.text == "write_file is not allowed now"
    assert not (desk.workspace / "x").exists()


@pytest.mark.parametrize("role", [PLANNER, EXECUTOR])
def test_a_role_may_use_exactly_its_own_tools(role: str) -> None:
    policy = RolePolicy(role)
    allowed = {
        name for name in KINDS if policy.refusal(name, RunCommand(command="", timeout_s=1)) is None
    }
    assert allowed == set(TOOLS[role])
    assert list(TOOLS[role]) == sorted(TOOLS[role])


def test_a_planner_without_a_sandbox_has_no_shell(desk: Desk) -> None:
    assert "run_command" not in tool_names(PLANNER, has_shell=False)
    result = send(desk.planner(), "run_command", command="ls", timeout_s=None)
    assert isinstance(result, ToolResult)
    assert "there is no tool 'run_command'" in result.text


def test_every_schema_is_strict() -> None:
    def check(node: object, where: str) -> None:
        if isinstance(node, dict):
            assert "$ref" not in node, where
            if node.get("type") == "object":
                assert node["additionalProperties"] is False, where
                assert node["required"] == list(node["properties"]), where
            for key, value in node.items():
                check(value, f"{where}.{key}")
        elif isinstance(node, list):
            for value in node:
                check(value, where)

    for role in (PLANNER, EXECUTOR):
        names = [spec.name for spec in specs(role, has_shell=True)]
        assert names == sorted(names)
    for kind in KINDS.values():
        check(kind.schema, kind.name)
        json.dumps(kind.schema)
    task = KINDS["submit_solution"].schema["properties"]["tasks"]["items"]  # type: ignore[index,call-overload]
    assert task["properties"]["title"] == {"type": "string"}  # type: ignore[index,call-overload]


def test_what_only_the_operator_can_mend_passes_through(desk: Desk) -> None:
    for error in (Stopped("stop"), SandboxMissing("no bwrap")):

        class Broken:
            name = "none"

            def has_shell(self, profile: str) -> bool:
                return True

            def run(self, *words: object, **more: object) -> None:
                raise error  # noqa: B023 used at once

        desk.sandbox = Broken()  # type: ignore[assignment]
        with pytest.raises(type(error)):
            desk.call("run_command", command="ls", timeout_s=None)


def test_a_command_runs_in_the_sandbox_at_the_path_of_the_checkout(scratch: Path) -> None:
    desk = Desk(scratch, sandbox=Bubblewrap()).write({"a.txt": "x\n"})
    (scratch / "objects").mkdir()
    result = desk.call("run_command", command="pwd; cat a.txt; exit 3", timeout_s=None)
    assert result.text.startswith("exit code 3 (")
    assert result.text.endswith(f"{desk.checkout}\nx")
    assert not result.is_error


def test_the_planner_can_run_commands_but_not_write(scratch: Path) -> None:
    desk = Desk(scratch, sandbox=Bubblewrap()).write({"a.txt": "x\n"})
    (scratch / "objects").mkdir()
    result = send(desk.planner(), "run_command", command="echo y > a.txt", timeout_s=None)
    assert isinstance(result, ToolResult)
    assert "Read-only file system" in result.text
    assert (desk.workspace / "a.txt").read_text() == "x\n"


def test_a_command_is_killed_at_its_limit_or_the_turns_end(desk: Desk) -> None:
    began = time.monotonic()
    result = desk.call("run_command", command="echo begun; sleep 30", timeout_s=1)
    assert result.is_error
    assert "timed out after 1 s" in result.text
    assert "begun" in result.text
    short = Leash(lambda: 0.2, lambda: False)
    arguments = json.dumps({"command": "sleep 30", "timeout_s": None})
    ended = desk.executor().call(ToolCall("c", "run_command", arguments), short)
    assert isinstance(ended, ToolResult)
    assert "timed out" in ended.text
    assert time.monotonic() - began < 5


def test_long_output_keeps_head_and_tail_and_is_readable_as_a_whole(desk: Desk) -> None:
    result = desk.call("run_command", command="seq 1 20000", timeout_s=None)
    assert len(result.text) < 20_500
    assert result.text.startswith("exit code 0")
    assert result.text.endswith("20000")
    assert "'output:1'" in result.text
    page = desk.call("read_file", path="output:1", start_line=10_001, end_line=10_001)
    assert "10001\t10000" in page.text
    again = desk.call("run_command", command="seq 1 20000", timeout_s=None)
    assert "'output:2'" in again.text


def test_search_finds_lines_in_order(desk: Desk) -> None:
    found = desk.call("search", pattern=r"f\(\)", path=None, glob=None)
    assert found.text == "a.py:1: def f():\nb/c.txt:1: f() there"
    assert desk.call("search", pattern="f", path="b", glob=None).text == "b/c.txt:1: f() there"
    assert desk.call("search", pattern="f", path="a.py", glob=None).text == "a.py:1: def f():"
    assert desk.call("search", pattern="f", path=None, glob="*.txt").text == "b/c.txt:1: f() there"
    assert desk.call("search", pattern="zebra", path=None, glob=None).text == (
        "no line matches in 2 files"
    )


def test_search_says_what_is_wrong_with_a_pattern_or_a_path(desk: Desk) -> None:
    assert "no regular expression" in desk.call("search", pattern="(", path=None, glob=None).text
    assert "there is no" in desk.call("search", pattern="x", path="missing", glob=None).text
    assert "closed" in desk.call("search", pattern="x", path=".git", glob=None).text


def test_search_stops_at_many_hits(desk: Desk) -> None:
    desk.write({"many.txt": "hit\n" * 1000})
    found = desk.call("search", pattern="hit", path=None, glob=None).text
    assert found.count("many.txt:") == 200
    assert "only the first 200 hits" in found


def test_a_pattern_that_never_ends_is_stopped(desk: Desk) -> None:
    desk.write({"evil.txt": "a" * 60 + "b\n"})
    searching = Searching(Room(desk.jail), seconds=0.5)
    began = time.monotonic()
    output = searching.search(Search(pattern="(a+)+$", path=None, glob="evil.txt"), LONG)
    assert "stopped after 0.5 s" in output.text
    assert time.monotonic() - began < 3
