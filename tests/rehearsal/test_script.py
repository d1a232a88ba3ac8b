"""An answer depends on the request and on nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.rehearsal.script import OUT_OF_WORDS, Answer, ReplySpec, Script
from pipeline.rehearsal.scripting import (
    any_issue,
    any_issue_adds,
    call,
    execute,
    only_after,
    plan,
    read,
    run_command,
    task,
    turn,
    write,
)
from pipeline.rehearsal.view import OfferedTool, RequestView, Spoken, read_view

VIEW = RequestView(
    vendor="anthropic",
    model="claude-opus-5-5",
    agent="executor",
    issue_id="ISS-1",
    turn=2,
    call=0,
    turn_text="request_id: ISS-1.2\nCarry out SOL-ISS-1-3.",
    replies=(),
    tools=(),
    earlier=(),
)


def after(*replies: str) -> RequestView:
    return replace(VIEW, call=len(replies), replies=replies)


def test_the_most_exact_answer_counts() -> None:
    def answer(text: str, **where: object) -> Answer:
        return Answer(agent="executor", replies=(ReplySpec(text=text),), **where)

    any_one, mine = answer("any"), answer("mine", issue="ISS-1")
    second = answer("second", issue="ISS-1", turn=2)
    other = answer("other", issue="ISS-9")
    assert Script((any_one, mine, second, other)).reply(VIEW).text == "second"
    assert Script((any_one, mine, other)).reply(VIEW).text == "mine"
    assert Script((any_one, other)).reply(VIEW).text == "any"
    assert Script((other,)).reply(VIEW).text == OUT_OF_WORDS


def test_each_call_takes_the_next_reply_until_there_is_none() -> None:
    script = turn("executor", "*", ReplySpec(text="one"), ReplySpec(text="two"))
    said = [script.reply(after(*["so"] * n)).text for n in range(3)]
    assert said == ["one", "two", OUT_OF_WORDS]


def test_a_reply_with_a_condition_is_left_out_unless_it_holds() -> None:
    script = turn(
        "executor", "*", read("a"), only_after("not found", read("b")), ReplySpec(text="done")
    )
    assert script.reply(after("fine")).text == "done"
    assert script.reply(after("a: not found")).tool_calls[0].arguments == {"path": "b"}
    assert script.reply(after("a: not found", "fine")).text == "done"
    assert script.reply(after("fine", "not found")).text == OUT_OF_WORDS


def test_placeholders_are_filled_in_everywhere() -> None:
    script = execute(edits=[write("{issue_id}.txt", "{solution_id} in {request_id}")])
    arguments = script.reply(VIEW).tool_calls[0].arguments
    assert arguments == {"path": "ISS-1.txt", "content": "SOL-ISS-1-3 in ISS-1.2"}


def test_left_out_arguments_that_may_be_null_become_null() -> None:
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    step = {"type": "object", "properties": {"command": nullable, "target": {"type": "string"}}}
    schema = {
        "type": "object",
        "properties": {
            "steps": {"type": "array", "items": {"$ref": "#/$defs/Step"}},
            "minutes": {"type": ["integer", "null"]},
            "title": {"type": "string"},
        },
        "$defs": {"Step": step},
    }
    view = replace(VIEW, tools=(OfferedTool("submit", schema),))
    script = turn("executor", "*", call("submit", steps=[{"target": "a"}]))
    assert script.reply(view).tool_calls[0].arguments == {
        "steps": [{"target": "a", "command": None}],
        "minutes": None,
    }


def test_a_script_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "script.toml"
    path.write_text(
        '[[answers]]\nagent = "executor"\n[[answers.replies]]\n'
        'tool_calls = [{ name = "read_file", arguments = { path = "a" } }]\n'
    )
    assert Script.load(path) == turn("executor", "*", read("a"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answers = 1", r"s\.toml: answers: Input should be"),
        ('[[answers]]\nagent = "painter"\nreplies = []', r"answers\.0\.agent"),
        ('[[answers]]\nagent = "planner"\nreplys = []', r"answers\.0\.rep"),
        ("= 1", "not TOML"),
    ],
)
def test_a_mistake_in_a_script_names_its_place(text, message) -> None:
    with pytest.raises(PipelineError, match=message):
        Script.from_toml(text, source="s.toml")


def test_the_turn_starts_at_the_last_request_and_not_at_a_reminder() -> None:
    conversation = [
        Spoken("user", ("memory",)),
        Spoken("assistant", ("earlier",)),
        Spoken("user", ("request_id: ISS-001.1\nplan",)),
        Spoken("assistant", ("reading",)),
        Spoken("user", ("one more thing",), ("result",)),
        Spoken("assistant", ("hm",)),
        Spoken("user", ("Answer with submit_solution, request_id: ISS-001.1",)),
    ]
    view = read_view(conversation, vendor="openai", model="m", tools=())
    assert (view.request_id, view.call) == ("ISS-001.1", 2)
    assert view.replies[0] == "result\none more thing"
    assert view.earlier == ("memory",)


def test_who_may_submit_a_solution_is_the_planner() -> None:
    tools = (OfferedTool("submit_solution", {}),)
    conversation = [Spoken("user", ("request_id: GH-1.2.10\n",))]
    view = read_view(conversation, vendor="openai", model="m", tools=tools)
    assert (view.agent, view.issue_id, view.turn) == ("planner", "GH-1.2", 10)


def test_a_request_without_an_id_still_has_an_answer() -> None:
    view = read_view([Spoken("user", ("hello",))], vendor="openai", model="m", tools=())
    assert (view.request_id, view.solution_id) == ("", "")
    assert any_issue().reply(view).tool_calls


def test_builders_write_what_the_tools_take() -> None:
    one = task("T1", files={"a": "create"})
    two = task("T2", files={"a": "modify"}, depends_on=["T1"])
    script = plan("ISS-1", tasks=[one, two], title="both", before=[run_command("ls")])
    answer = script.answers[0]
    assert [reply.tool_calls[0].name for reply in answer.replies] == [
        "run_command",
        "submit_solution",
    ]
    submitted = answer.replies[1].tool_calls[0].arguments
    assert submitted["title"] == "both"
    assert [t["depends_on"] for t in submitted["tasks"]] == [[], ["T1"]]
    assert any_issue_adds("log.txt").answers[1].replies[0].tool_calls[0].name == "edit_file"
