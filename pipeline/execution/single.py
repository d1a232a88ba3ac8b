"""Mode `single`: one agent, tasks in order, one commit.

    begin (journal) -> agent's turn [finish_task -> task tests]* -> submit_result
      -> fence -> verify the exact tree -> repair (at most three rounds) -> land -> record

Only a `Cleared` plan can be carried out, and only the gate makes one.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.agents.agent import Agent, TurnOutcome, TurnRequest
from pipeline.agents.digest import execution_digest
from pipeline.agents.permits import Permits, listed_commands
from pipeline.agents.providers.capabilities import edit_tools_of
from pipeline.agents.toolbox import Accepted, Leash, Output, Refused, Verdict
from pipeline.agents.tools.answers import as_lessons
from pipeline.agents.tools.boxes import executor_toolbox
from pipeline.agents.tools.wire import SubmitResult
from pipeline.domain.counting import counted
from pipeline.domain.issue import AuthorTrust
from pipeline.domain.results import (
    ExecutionRecord,
    FailureClass,
    Held,
    PlanningRecord,
    TaskOutcome,
    Usage,
)
from pipeline.domain.solution import Privilege, Task
from pipeline.errors import DiskProblem, PipelineError
from pipeline.events import AttemptStarted, Quarantined
from pipeline.execution.asking import held_for, hold, in_words, take_up
from pipeline.execution.attempt import Attempt
from pipeline.execution.commands import for_ever
from pipeline.execution.evidence import failures_in_short, failures_in_words, is_good
from pipeline.execution.failures import ENDS_THE_RUN, FAILURE_OF_TURN, failure_of
from pipeline.execution.fence import Fenced, fence, unplanned
from pipeline.execution.finish import finish
from pipeline.execution.land import CHECKPOINT_REFS, kept_ref, save_work
from pipeline.execution.learning import learned
from pipeline.execution.own_commits import count_own_commits
from pipeline.execution.site import Site
from pipeline.git import WorkTreeProblem, diff_bytes
from pipeline.plans.external import closed_places, opened
from pipeline.plans.standing import AGAIN
from pipeline.safety.gate import Cleared
from pipeline.safety.ground import named
from pipeline.store.entries import AttemptBegun
from pipeline.store.files import write_atomic

EXECUTOR = "executor"


class TakenBack(PipelineError):
    """Raised when a person decided otherwise after the gate had cleared a plan."""


class Execution:
    """Carries cleared plans out at one site with one agent."""

    def __init__(self, site: Site, agent: Callable[[], Agent]) -> None:
        self._site = site
        self._agent = agent

    def carry_out(
        self, cleared: Cleared, text: Callable[[str, str], str], author: AuthorTrust
    ) -> ExecutionRecord:
        """Make one attempt at a cleared plan and return its record, which is durable by then.

        `author` is how far the issue's author is trusted: it decides what may be learned.
        `text(request_id, base)` renders what the agent is told. Raises what ends the whole run
        (`QuotaPause`, `BudgetSpent`, `Stopped`) after the attempt has been recorded, and
        `TakenBack` before anything has happened.
        """
        attempt = self._begin(cleared)
        outcome: TurnOutcome | None = None
        ending: PipelineError | None = None
        try:
            self._run_baseline(attempt)
            if (held := held_for(self._site, cleared)) is not None:
                self._try_held(attempt, held)
            else:
                attempt.opened = self._site.workspaces.open(EXECUTOR, attempt.begun.base_commit)
                outcome = self._turn(attempt, text)
                attempt.own_commits = count_own_commits(self._site.sandbox, attempt.workspace)
                _judge(attempt, outcome)
        except DiskProblem:
            raise  # there is no place for a record: the next run settles the attempt
        except PipelineError as error:
            attempt.fail(failure_of(error), str(error))
            ending = error if isinstance(error, ENDS_THE_RUN) else None
        record = finish(self._site, attempt, cleared, self._used(attempt))
        if outcome is not None and outcome.status == "interrupted":
            self._agent().drop(outcome.turn_id)
        elif outcome is not None:
            self._settle(attempt, outcome, record, author)
        if ending is not None:
            raise ending
        return record

    def _settle(
        self, attempt: Attempt, outcome: TurnOutcome, record: ExecutionRecord, author: AuthorTrust
    ) -> None:
        """Let the agent keep what it learned, as far as evidence holds it up."""
        agent, sent = self._agent(), attempt.sent
        new = learned(
            self._site,
            agent,
            as_lessons(sent.lessons if sent else ()),
            author=author,
            commit=record.commit_hash or attempt.begun.base_commit,
        )
        agent.settle(outcome.turn_id, execution_digest(record, new.kept), new.proposed)

    # the turn

    def _begin(self, cleared: Cleared) -> Attempt:
        site, state = self._site, self._site.book.state
        record = cleared.record
        assert record.solution is not None
        counted = [one for one in state.attempts(record.key) if one.failure_class not in AGAIN]
        begun = AttemptBegun(
            execution_result_id=state.next_execution_id(record.issue_id),
            issue_id=record.issue_id,
            solution_id=record.key,
            run_id=site.run.run_id,
            attempt=len(counted) + 1,
            attempt_id=secrets.token_hex(16),
            base_commit=cleared.tip,
        )
        with site.book.alone():
            if state.planning.get(record.key) != record:
                raise TakenBack(f"{record.key} was decided on again")
            site.book.record(begun)
        solution = record.solution
        tasks = tuple(f"{task.id}: {task.title}" for task in solution.tasks)
        site.bus.emit(
            AttemptStarted(record.issue_id, record.key, begun.attempt, solution.title, tasks)
        )
        return Attempt(begun, solution, site.now())

    def _run_baseline(self, attempt: Attempt) -> None:
        """Run the project's tests on the untouched base."""
        site, base = self._site, attempt.begun.base_commit
        attempt.baseline = tuple(
            one.evidence.model_copy(update={"stage": "baseline"})
            for one in site.verifier.baseline(base, site.suite, stop=site.stop)
        )

    def _used(self, attempt: Attempt) -> Usage:
        """Return what the attempt's turn has used, however it ended."""
        return self._agent().usage_of(attempt.request_id) if attempt.asked else Usage()

    def _turn(self, attempt: Attempt, text: Callable[[str, str], str]) -> TurnOutcome:
        """Let the agent work until it has answered; its answers are judged as they come."""
        site, begun = self._site, attempt.begun
        request_id = attempt.request_id
        granted = _granted(site.book.state.planning[begun.solution_id])
        outside = opened(granted, closed_places(site.places))
        jail = replace(attempt.workspace.jail, write=outside)
        toolbox = executor_toolbox(
            request_id=request_id,
            issue_id=begun.issue_id,
            jail=jail,
            sandbox=site.sandbox,
            permits=Permits(
                listed=listed_commands(attempt.solution),
                suite=site.suite,
                privileges=granted,
                jail=jail,
                sandbox=site.sandbox,
            ),
            outputs=site.places.outputs / begun.execution_result_id,
            bus=site.bus,
            finish_task=lambda task_id, _, leash: self._finish_task(attempt, task_id, leash),
            accept_result=lambda sent, leash: self._accept(attempt, sent, leash),
            edit_tools=edit_tools_of(site.settings.executor, "executor"),
            redaction=site.redaction,
            command_seconds=site.settings.limits.command_seconds,
        )
        agent = self._agent()
        turn = agent.send_input(
            TurnRequest(
                request_id=request_id,
                issue_id=begun.issue_id,
                text=site.redaction(text(request_id, begun.base_commit)),
                toolbox=toolbox,
                minutes=site.settings.limits.execution_minutes,
            )
        )
        attempt.asked = True
        return agent.wait(turn)

    def _finish_task(self, attempt: Attempt, task_id: str, leash: Leash) -> Verdict:
        """Run the task's tests in the workspace and hand the evidence back."""
        task = next((t for t in attempt.solution.tasks if t.id == task_id), None)
        if task is None:
            names = ", ".join(t.id for t in attempt.solution.tasks)
            return Output(f"there is no task {task_id!r}; the tasks are {names}", is_error=True)
        if early := [name for name in task.depends_on if name in attempt.open_tasks]:
            text = f"finish {', '.join(early)} first: {task_id} depends on it"
            return Output(text, is_error=True)
        ran = self._site.verifier.run_commands(
            attempt.workspace,
            "task",
            task.tests,
            task_id=task.id,
            label=attempt.begun.execution_result_id,
            stop=leash.stop,
            remaining=leash.remaining,
        )
        evidence = tuple(one.evidence for one in ran)
        passed = all(one.passed for one in evidence)
        attempt.outcomes[task_id] = TaskOutcome(
            id=task_id, status="completed" if passed else "failed", commands=evidence
        )
        if passed:
            self._keep_checkpoint(attempt, task_id)
            left = ", ".join(attempt.open_tasks)
            then = f"Open tasks: {left}." if left else "All tasks are done: call submit_result."
            said = f"its {counted(len(evidence), 'test command')}"
            return Output(f"{task_id} is done: {said} passed. {then}")
        return self._task_failed(attempt, task, failures_in_words(ran))

    def _keep_checkpoint(self, attempt: Attempt, task_id: str) -> None:
        """Keep the work as it is now, after a task's tests have passed."""
        save_work(
            self._site.repo,
            attempt.workspace.root,
            attempt.begun.base_commit,
            kept_ref(CHECKPOINT_REFS, attempt.begun.execution_result_id, task_id),
        )

    def _task_failed(self, attempt: Attempt, task: Task, words: str) -> Verdict:
        attempt.finishes[task.id] = attempt.finishes.get(task.id, 0) + 1
        allowed = self._site.settings.limits.failing_finishes
        if attempt.finishes[task.id] < allowed:
            left = allowed - attempt.finishes[task.id]
            tries = counted(left, "try is", "tries are")
            return Output(f"{words}\n{tries} left for {task.id}.", is_error=True)
        attempt.fail(
            FailureClass.TESTS, f"{task.id} failed its tests {counted(allowed, 'time')}", task.id
        )
        return Accepted(None)

    # judging an answer

    def _accept(self, attempt: Attempt, sent: SubmitResult, leash: Leash) -> Verdict:
        """Check a claim of completion against the evidence; refuse while repair is possible."""
        attempt.sent = sent
        if sent.status == "failed":
            return Accepted(sent)
        if attempt.open_tasks:
            names = ", ".join(attempt.open_tasks)
            return Refused(f"these tasks are still open: {names}; call finish_task first")
        attempt.problem = None
        try:
            problem = self._verify(attempt, leash)
        except WorkTreeProblem as error:
            problem = attempt.problem = str(error)
        if problem is None:
            return Accepted(sent)
        attempt.repairs += 1
        return Refused(problem, "repair")

    def _verify(self, attempt: Attempt, leash: Leash) -> str | None:
        """Fence the change and run everything on exactly its tree; return what is wrong."""
        site = self._site
        attempt.fenced = fenced = self._fence(attempt)
        if fenced.quarantined:
            self._set_aside(attempt, fenced.patch, fenced.quarantined)
            if site.settings.fence.quarantine == "fail":
                names = named(fenced.quarantined)
                attempt.fail(FailureClass.PLAN_TOO_NARROW, f"the plan does not allow: {names}")
                return None
        if not fenced.changed:
            attempt.problem = "nothing has changed inside the plan's files"
            return attempt.problem
        if (words := self._test(attempt, fenced.tree, leash.stop, leash.remaining)) is not None:
            return words
        if attempt.beyond:
            patch = diff_bytes(site.repo, attempt.begun.base_commit, fenced.tree, attempt.beyond)
            self._set_aside(attempt, patch, ())
            attempt.held = hold(site, attempt, fenced.tree)
            attempt.fail(FailureClass.PLAN_TOO_NARROW, in_words(attempt))
        return None

    def _fence(self, attempt: Attempt) -> Fenced:
        """Put the fence up, with the paths in it that a person is asked for."""
        site, solution = self._site, attempt.solution
        record = site.book.state.planning[attempt.begun.solution_id]
        assert record.plan is not None
        globs, base = record.plan.opened, attempt.begun.base_commit
        planned, deletable = solution.paths, solution.deletes
        if site.settings.fence.quarantine == "ask":
            attempt.beyond = unplanned(
                site.repo,
                attempt.workspace,
                base=base,
                planned=planned,
                may_touch=globs,
                deletable=deletable,
            )
        return fence(
            site.repo,
            attempt.workspace,
            base=base,
            planned=(*planned, *attempt.beyond),
            may_touch=globs,
            deletable=deletable | set(attempt.beyond),
        )

    def _test(
        self,
        attempt: Attempt,
        tree: str,
        stop: Callable[[], bool],
        remaining: Callable[[], float] = for_ever,
    ) -> str | None:
        """Run everything on exactly a tree; return, for the agent, what is wrong."""
        site, begun = self._site, attempt.begun
        verification, ran = site.verifier.verify(
            tree=tree,
            head=begun.base_commit,
            acceptance=attempt.solution.acceptance.commands,
            suite=site.suite,
            label=begun.execution_result_id,
            stop=stop,
            remaining=remaining,
        )
        attempt.verification = verification
        if is_good(verification, ran, site.suite):
            return None
        attempt.problem = failures_in_short(ran)
        words = failures_in_words(ran)
        if attempt.quarantined:
            names = ", ".join(sorted(attempt.quarantined))
            words += f"\nChanges outside the plan were set aside and undone: {names}"
        return words

    def _try_held(self, attempt: Attempt, held: Held) -> None:
        """Test on the tip what a person has approved since; no agent is asked."""
        problem = take_up(self._site, attempt, held)
        if problem is not None:
            attempt.fail(FailureClass.INTERRUPTED, problem)
        elif attempt.fenced and self._test(attempt, attempt.fenced.tree, self._site.stop):
            attempt.fail(FailureClass.TESTS, attempt.problem or "it fails on the branch's tip")

    def _set_aside(self, attempt: Attempt, patch: bytes, paths: Sequence[str]) -> None:
        """Keep the patch of unplanned changes beside the records."""
        path = self._site.places.quarantine / f"{attempt.begun.execution_result_id}.patch"
        earlier = path.read_bytes() if path.exists() else b""
        write_atomic(path, earlier + patch)
        attempt.quarantine = str(path.relative_to(self._site.places.workflow))
        attempt.quarantined |= set(paths)
        if paths:
            self._site.bus.emit(Quarantined(attempt.begun.solution_id, tuple(paths)))


def _granted(record: PlanningRecord) -> tuple[Privilege, ...]:
    """Return the privileges that were asked for and are in what was signed."""
    if record.plan is None or record.solution is None:
        return ()
    grants = record.plan.grants
    return tuple(asked for asked in record.solution.privileges if asked.name in grants)


def _judge(attempt: Attempt, outcome: TurnOutcome) -> None:
    """Decide from the turn's end whether there is something to land."""
    sent, reason = attempt.sent, outcome.reason or f"the turn {outcome.status}"
    failure = FAILURE_OF_TURN[outcome.status]
    if failure is FailureClass.AGENT and outcome.status != "stuck" and attempt.problem:
        attempt.fail(FailureClass.TESTS, attempt.problem)
    elif failure is not None:
        attempt.fail(failure, reason)
    elif sent is not None and sent.too_narrow_paths:
        paths = ", ".join(sent.too_narrow_paths)
        attempt.fail(FailureClass.PLAN_TOO_NARROW, f"the plan does not name: {paths}")
    elif sent is not None and sent.status == "failed":
        attempt.fail(FailureClass.AGENT, sent.reason or sent.summary, sent.failed_task_id)
