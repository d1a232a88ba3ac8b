"""Where a night's faults strike, and what agents do that are scripted from issues alone."""

import pytest

from pipeline.domain.issue import Issue
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.improvised import COMMENTS, errands, improvise, remark
from pipeline.rehearsal.night import CALLS, NIGHT_FAULTS, PLACES, Night, NightFault
from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.view import AgentName, RequestView

FILES = ("src/dates.py", "README.md", "a/same.py", "b/same.py", "data.json")


def view(
    agent: AgentName, issue: str, call: int, replies: tuple[str, ...] = (), turn: int = 1
) -> RequestView:
    """Return a request as the stand-in sees it."""
    return RequestView(
        vendor="anthropic",
        model="m",
        agent=agent,
        issue_id=issue,
        turn=turn,
        call=call,
        turn_text=f"request_id: {issue}.{turn}",
        replies=replies,
        tools=(),
        earlier=(),
    )


def night(*wanted: NightFault, issues: int = 2, works: bool = True) -> Night:
    deeds = dict.fromkeys(NIGHT_FAULTS, lambda: works)
    return Night(wanted, issues, deeds, clock=lambda: 1.0)


def test_every_fault_has_a_place_that_is_in_a_turn() -> None:
    assert set(PLACES) == set(NIGHT_FAULTS)
    assert all(place.call < CALLS[place.agent] for place in PLACES.values() if place)


def test_faults_of_an_agent_strike_in_their_order_each_at_its_own_issue() -> None:
    weather = night("quota", "crash")
    assert weather(view("executor", "ISS-1", 0)) is None
    assert isinstance(weather(view("executor", "ISS-1", 1)), Fault)
    assert weather(view("executor", "ISS-1", 2)) is None
    assert weather(view("executor", "ISS-2", 2)) is None  # the crash is no answer of a model
    assert [(one.fault, one.issue_id) for one in weather.strikes] == [
        ("quota", "ISS-1"),
        ("crash", "ISS-2"),
    ]
    assert weather.left() == []


def test_where_issues_run_out_faults_share_one() -> None:
    weather = night("quota", "crash", issues=1)
    for call in (1, 2):
        weather(view("executor", "ISS-1", call))
    assert [one.fault for one in weather.strikes] == ["quota", "crash"]


def test_a_harm_that_could_not_be_done_has_not_struck() -> None:
    weather = night("crash", works=False)
    assert weather(view("executor", "ISS-1", 2)) is None
    assert weather.left() == ["crash"]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("src/dates.py is wrong", "src/dates.py"),
        ("see dates.py.", "src/dates.py"),
        ("same.py could be either", "rehearsal/ISS-1.md"),
        ("data.json has no remarks", "rehearsal/ISS-1.md"),
        ("../../etc/passwd.py is not ours", "rehearsal/ISS-1.md"),
        ("nothing is named", "rehearsal/ISS-1.md"),
    ],
)
def test_an_issue_changes_the_file_that_it_names_or_one_of_its_own(text: str, path: str) -> None:
    found = errands([Issue(id="ISS-1", title="one", description=text)], FILES)
    assert found["ISS-1"].path == path


@pytest.mark.parametrize("suffix", sorted(COMMENTS))
def test_a_remark_is_one_line(suffix: str) -> None:
    assert "\n" not in remark(f"a{suffix}", "x")


def said(agent: AgentName, call: int, *replies: str) -> ReplySpec:
    todo = errands([Issue(id="ISS-1", title="dates.py")], FILES)
    return improvise(todo).reply(view(agent, "ISS-1", call, replies))


def tasks(reply: ReplySpec) -> str:
    return str(reply.tool_calls[0].arguments["tasks"])


def test_a_plan_modifies_what_is_there_and_creates_what_is_not() -> None:
    assert "'modify'" in tasks(said("planner", 1, "     1\tx = 1"))
    assert "'create'" in tasks(said("planner", 1, "there is no file 'src/dates.py'"))


def test_the_line_goes_to_the_end_of_the_file_as_it_was_read() -> None:
    (call,) = said("executor", 1, "     1\tx = 1\n     2\ty\n     3\ty").tool_calls
    assert call.name == "edit_file"
    assert call.arguments["old_string"] == "y\ny"
    assert call.arguments["new_string"] == "y\ny\n# ISS-1: rehearsed"


def test_a_result_that_is_sent_back_is_submitted_again() -> None:
    for call in (3, 4, 5):
        replies = ("     1\tx",) * call
        assert said("executor", call, *replies).tool_calls[0].name == "submit_result"
