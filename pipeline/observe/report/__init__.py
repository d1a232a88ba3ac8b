"""The report: facts gathered from the records once, rendered as Markdown, HTML and JSON."""
