"""The tools that end a turn, and the translation of what they carry into the domain."""

from collections.abc import Callable, Iterable

from pipeline.agents.toolbox import Handler, Leash, Refused, Verdict
from pipeline.agents.tools.wire import (
    FinishTask,
    NeedsClarification,
    SubmitResult,
    SubmitSolution,
    Wire,
    WireLesson,
    WireStep,
    WireTask,
)
from pipeline.domain.solution import (
    LESSON_CHARS,
    Acceptance,
    FileChange,
    Lesson,
    Privilege,
    Risk,
    Solution,
    Step,
    Task,
)

Finisher = Callable[[str, str, Leash], Verdict]
"""Gets a task id and the agent's summary, runs the task's tests, and says what it saw."""
SolutionJudge = Callable[[SubmitSolution], Verdict]
ResultJudge = Callable[[SubmitResult, Leash], Verdict]
QuestionsJudge = Callable[[tuple[str, ...]], Verdict]

MOST_QUESTIONS = 10


def finishing(finish: Finisher) -> Handler:
    """Return the handler of finish_task."""

    def handler(arguments: Wire, leash: Leash) -> Verdict:
        assert isinstance(arguments, FinishTask)
        return finish(arguments.task_id, arguments.summary, leash)

    return handler


def submitting_solution(judge: SolutionJudge) -> Handler:
    """Return the handler of submit_solution."""

    def handler(arguments: Wire, leash: Leash) -> Verdict:
        assert isinstance(arguments, SubmitSolution)
        return judge(arguments)

    return handler


def submitting_result(judge: ResultJudge) -> Handler:
    """Return the handler of submit_result."""

    def handler(arguments: Wire, leash: Leash) -> Verdict:
        assert isinstance(arguments, SubmitResult)
        if arguments.status == "failed" and not (arguments.reason or "").strip():
            return Refused("status is failed, so reason must say why, with what you saw")
        return judge(arguments, leash)

    return handler


def asking(judge: QuestionsJudge) -> Handler:
    """Return the handler of needs_clarification."""

    def handler(arguments: Wire, leash: Leash) -> Verdict:
        assert isinstance(arguments, NeedsClarification)
        questions = tuple(" ".join(text.split()) for text in arguments.questions if text.strip())
        if not questions:
            return Refused("questions is empty: ask at least one question, or submit a plan")
        return judge(questions[:MOST_QUESTIONS])

    return handler


def to_solution(sent: SubmitSolution, *, solution_id: str, issue_id: str) -> Solution:
    """Return the domain form of a submitted plan; raises `ValidationError` where it has none."""
    return Solution(
        solution_id=solution_id,
        issue_id=issue_id,
        title=" ".join(sent.title.split()),
        goal=sent.goal,
        approach=sent.approach,
        assumptions=tuple(sent.assumptions),
        clarifying_questions=tuple(sent.clarifying_questions),
        tasks=tuple(to_task(task) for task in sent.tasks),
        acceptance=Acceptance(
            criteria=tuple(sent.acceptance_criteria), commands=tuple(sent.acceptance_commands)
        ),
        risks=tuple(Risk(item=risk.item, mitigation=risk.mitigation) for risk in sent.risks),
        risk_level=sent.risk,
        privileges=tuple(
            Privilege(operation=asked.operation, target=asked.target, reason=asked.reason)
            for asked in sent.privileges
        ),
        rollback=sent.rollback,
        artifacts=tuple(sent.artifacts),
        score=sent.score,
        lessons=tuple(Lesson(kind=lesson.kind, text=lesson.text) for lesson in sent.lessons),
    )


def as_lessons(sent: Iterable[WireLesson]) -> tuple[Lesson, ...]:
    """Return the lessons of a result; one that is too long is left out, the work is done."""
    return tuple(
        Lesson(kind=one.kind, text=one.text) for one in sent if len(one.text) <= LESSON_CHARS
    )


def to_task(sent: WireTask) -> Task:
    """Return the domain form of one task."""
    return Task(
        id=sent.id,
        title=sent.title,
        description=sent.description,
        depends_on=tuple(sent.depends_on),
        files=tuple(
            FileChange(path=file.path, action=file.action, change=file.change)
            for file in sent.files
        ),
        steps=tuple(to_step(step) for step in sent.steps),
        tests=tuple(sent.tests),
    )


def to_step(sent: WireStep) -> Step:
    """Return the domain form of one step."""
    return Step(
        type=sent.type,
        target=sent.target,
        action=sent.action,
        content=sent.content,
        command=sent.command,
        timeout_s=sent.timeout_s,
    )
