"""Wiring of the report: records in, `.workflow/report.md` and `report.json` out."""

import orjson

from pipeline.app.hiding import redaction_of
from pipeline.app.project import Project, where_all_stand
from pipeline.domain.base import utc_now
from pipeline.observe.report import Report, make_report, to_markdown
from pipeline.plans.holds import holds
from pipeline.safety.budget import caps_of
from pipeline.store.book import Book
from pipeline.store.files import write_atomic
from pipeline.store.run_info import alive, waits_for_decisions
from pipeline.store.state import State


def make_project_report(project: Project, state: State, code: int | None = None) -> Report:
    """Gather the report from the records."""
    rows = where_all_stand(project, state)
    held_up = holds(rows, state, project.settings.gate.max_pending)
    worker = alive(project.places)
    if worker is not None and worker.waits_until:
        held_up = (waits_for_decisions(worker.waits_until), *held_up)
    return make_report(
        rows,
        state,
        holds=held_up,
        now=utc_now(),
        sandbox=project.settings.sandbox.kind,
        code=code,
        caps=caps_of(project.settings.budget),
    )


def write_report(project: Project, book: Book, code: int | None) -> Report:
    """Write `.workflow/report.md` and `report.json` from the records, and return the report."""
    report = make_project_report(project, book.state, code)
    redaction = redaction_of(project.settings.secrets)
    write_atomic(project.places.report_md, redaction(to_markdown(report)).encode())
    shown = redaction.deep(orjson.loads(report.model_dump_json()))
    told = orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_atomic(project.places.report_json, told)
    return report
