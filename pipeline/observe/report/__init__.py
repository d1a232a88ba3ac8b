"""The report: facts gathered from the records once, rendered as Markdown, HTML and JSON."""

from pipeline.observe.report.facts import Report, ReportEntry

__all__ = ["Report", "ReportEntry"]
