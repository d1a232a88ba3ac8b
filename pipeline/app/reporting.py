"""Wiring of the report: records, git and disk in; `.workflow/report.md`, `.html`, `.json` out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import orjson

from pipeline import git
from pipeline.app.caps import last_caps
from pipeline.app.hiding import redaction_of
from pipeline.app.project import Project
from pipeline.app.standing import where_all_stand
from pipeline.domain.base import utc_now
from pipeline.domain.issue import Issue
from pipeline.errors import BudgetSpent, PipelineError, Stopped
from pipeline.execution.kept_work import all_kept
from pipeline.observe.report.entry import Ground
from pipeline.observe.report.facts import Ending, Report
from pipeline.observe.report.gather import make_report
from pipeline.observe.report.markdown import to_markdown
from pipeline.observe.report.page import to_html
from pipeline.orchestrator import MEANING
from pipeline.plans.holds import holds
from pipeline.plans.ordering import backlog_problems
from pipeline.plans.standing import Standing, standings
from pipeline.safety.budget import caps_of
from pipeline.safety.decisions import unknown
from pipeline.store.adopted_issues import issue_of
from pipeline.store.book import Book
from pipeline.store.entries import RunClosed, RunOpened
from pipeline.store.files import write_atomic
from pipeline.store.journal import Journal
from pipeline.store.run_info import alive, read_run_info, waits_for_decisions
from pipeline.store.state import State
from pipeline.store.tally import PAUSE

SHORT_CHANGE = 200
"""A change of at most so many lines is shown in the report itself."""
SHORT_CHANGES = 4_000
"""So many lines of changes are shown in a report, all together."""
LONG_LINES, LONG_LINES_TOGETHER = 2**15, 2**20
"""Characters of a change, and of all of them together, that are shown: a line has no bound."""
CARRIES_ON = "`pipeline run` carries on"
INTERRUPTED = Stopped.exit_code
TELLS_MORE = frozenset({PipelineError.exit_code, BudgetSpent.exit_code})
"""Exit codes of which the error's line says more than `MEANING`: it names what to do."""


def _to_json(report: Report, _where: str = "") -> str:
    shown = report.model_dump(mode="json")
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


FORMS: dict[str, Callable[[Report, str], str]] = {
    "md": to_markdown,
    "html": to_html,
    "json": _to_json,
}
"""Form -> what renders it; the text leads from what is written to `.workflow/`, for links."""


def make_project_report(
    project: Project,
    state: State,
    code: int | None = None,
    *,
    ended: Ending | None = None,
    told: str = "",
) -> Report:
    """Gather the report of the newest run of `state` from the records, without secrets.

    `code`: what the command ends with that works here now; None: none does. `ended`: how the run
    ended, where it is an earlier one, and `state` what was true then.
    """
    rows, held_up = _now(project, state) if ended is None else _then(project, state)
    report = make_report(
        rows,
        state,
        holds=held_up,
        now=utc_now(),
        sandbox=project.settings.sandbox.kind,
        ending=ended or _ending(project, state, code, told),
        is_earlier=ended is not None,
        caps=caps_of(project.settings.budget) if code is not None else last_caps(project, state),
        ground=_ground(project, rows, state, is_earlier=ended is not None),
    )
    redact = redaction_of(project.settings.secrets)
    return Report.model_validate(redact.deep(report.model_dump(mode="json")))


def write_report(project: Project, book: Book, code: int | None, told: str = "") -> Report:
    """Write the report in all its forms from the records, and return it."""
    report = make_project_report(project, book.state, code, told=told)
    places = project.places
    paths = {"md": places.report_md, "json": places.report_json, "html": places.report_html}
    for form, path in paths.items():
        write_atomic(path, FORMS[form](report, "").encode())
    return report


def state_of_run(project: Project, state: State, run_id: str) -> tuple[State, Ending | None]:
    """Return what was true when a run ended, and how it did; `state` is what is true now.

    The newest run has not ended: it is told as it is now. Raises `PipelineError` where there was
    no such run, naming the nearest.
    """
    runs = [run.run_id for run in state.runs]
    if run_id not in runs:
        raise unknown("run", run_id, runs)
    if run_id == runs[-1]:
        return state, None
    then, ending = State(project.places.journal), Ending(how="unknown")
    for line in Journal(project.places).lines():
        if isinstance(line.entry, RunOpened) and then.runs and then.runs[-1].run_id == run_id:
            break
        then.apply(line)
        then.reach(line.seq, max(line.at, then.newest_at or line.at))
        if isinstance(line.entry, RunClosed) and line.entry.run_id == run_id:
            ending = Ending(how="closed", at=line.at, said=line.entry.reason)
            break
    return then, ending


def _now(project: Project, state: State) -> tuple[list[Standing], tuple[str, ...]]:
    """Return where every issue stands, and what holds the run up."""
    rows = where_all_stand(project, state)
    held_up = tuple(holds(rows, state, project.settings.gate.max_pending))
    worker = alive(project.places)
    if worker is not None and worker.waits_until:
        held_up = (waits_for_decisions(worker.waits_until), *held_up)
    return rows, held_up


def _then(project: Project, state: State) -> tuple[list[Standing], tuple[str, ...]]:
    """Return where the issues stood that there were when an earlier run ended; nothing waits.

    The journal does not hold the backlog: an issue that was filed later, or gone since, is told by
    its own date and by its records.
    """
    issues = {one.id: one for one in project.issues() if _was_there(one, state)}
    for found in filter(None, map(issue_of, state.planning.values())):
        issues.setdefault(found.id, found)
    there = [
        one.model_copy(
            update={
                "title": state.titles.get(one.id, one.title),
                "depends_on": tuple(name for name in one.depends_on if name in issues),
            }
        )
        for one in issues.values()
    ]
    return standings(there, state, backlog_problems(there)), ()


def _was_there(issue: Issue, state: State) -> bool:
    """Tell whether an issue had been filed when `state` was true, as far as anything says so."""
    filed, until = issue.created_at, state.newest_at
    is_later = filed is not None and until is not None and filed > until
    return not is_later or state.current(issue.id) is not None


def _ending(project: Project, state: State, code: int | None, told: str) -> Ending:
    """Return how the last process ended: as it says itself, or as it left things."""
    places = project.places
    if code is not None:
        return Ending(how="ended", exit_code=code, at=utc_now(), said=_meaning(code, state, told))
    if alive(places) is not None:
        return Ending(how="working")
    if read_run_info(places.run_file) is not None:
        return Ending(how="killed", at=state.newest_at, said=CARRIES_ON)
    return _told_before(project, state)


def _meaning(code: int, state: State, told: str) -> str:
    """Return what an exit code means here: the error's own line, or who asked for the end."""
    if told and code in TELLS_MORE:
        return told
    last = state.tally.standstills[-1:]
    if code == INTERRUPTED and last and last[0].by and last[0].how != PAUSE:
        return f"stopped by {last[0].by}; {CARRIES_ON}"
    return MEANING[code]


def _told_before(project: Project, state: State) -> Ending:
    """Return what the newest report says of the end of the run, where it is of this run."""
    run = state.runs[-1] if state.runs else None
    try:
        found = orjson.loads(project.places.report_json.read_bytes())
        ending = Ending.model_validate(found["ending"])
        same = run is not None and found["run_id"] == run.run_id
    except (OSError, ValueError, KeyError, TypeError):
        return Ending(how="unknown")
    return ending if same and ending.exit_code in MEANING else Ending(how="unknown")


def _ground(
    project: Project, rows: Sequence[Standing], state: State, *, is_earlier: bool
) -> Ground:
    """Ask git and the disk what the report shows besides records: five processes at most.

    Of an earlier run nobody says which commits came to its branch after its end.
    """
    landed = [row.attempt for row in rows if row.attempt is not None and row.attempt.commit_hash]
    commits = [one.commit_hash for one in landed if one.commit_hash]
    changes = git.changes_of(project.repo, commits) if commits else {}
    run_id = state.runs[-1].run_id if state.runs else None
    tonight = [one.commit_hash for one in landed if one.run_id == run_id and one.commit_hash]
    short = _short(tonight, changes)
    return Ground(
        changes=changes,
        patches=dict(_readable(git.patches_of(project.repo, short) if short else {})),
        work=all_kept(project.repo),
        foreign=() if is_earlier else tuple(_foreign(project.repo, state)),
        kept=lambda path: _is_kept(project, path),
    )


def _foreign(repo: git.Repository, state: State) -> Iterator[str]:
    """Yield the commits on the newest run's branch that no record knows, newest first."""
    if not state.runs:
        return
    run = state.runs[-1]
    base, tip = (git.resolve(repo, name) for name in (run.base_commit, f"refs/heads/{run.branch}"))
    if base is None or tip is None:
        return
    attempts = state.execution.values()
    ours = {one.commit_hash for one in attempts}
    ours |= {one.rollback.commit for one in attempts if one.rollback is not None}
    for one in git.steps_between(repo, base, tip):
        if one.hash not in ours:
            subject, _, _ = one.message.partition("\n")
            yield f"{one.hash[:10]} ({subject})"


def _short(commits: Sequence[str], changes: dict[str, tuple[git.FileChange, ...]]) -> list[str]:
    """Return the commits whose changes are short enough to be shown, up to a bounded whole."""
    found, whole = [], 0
    for commit in commits:
        size = sum((one.added or 0) + (one.deleted or 0) for one in changes.get(commit, ()))
        if size <= SHORT_CHANGE and whole + size <= SHORT_CHANGES:
            found.append(commit)
            whole += size
    return found


def _readable(patches: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    left = LONG_LINES_TOGETHER
    for commit, text in patches.items():
        if len(text) <= min(LONG_LINES, left):
            left -= len(text)
            yield commit, text


def _is_kept(project: Project, path: str) -> bool:
    """Tell whether a path below `.workflow/` is there; a record's path leads nowhere else."""
    inside = not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
    return inside and (project.places.workflow / path).exists()
