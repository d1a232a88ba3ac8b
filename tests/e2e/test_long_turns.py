"""A turn that grows too long in a whole run: it goes on, and everybody is told."""

from dataclasses import replace
from pathlib import Path

import orjson

from pipeline.rehearsal.script import CallSpec, ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue
from pipeline.rehearsal.view import RequestView
from tests.e2e.night import PROJECT, Night


def long_reader(view: RequestView) -> ReplySpec:
    """Look at a large file eight times, then do what the plain script does."""
    if view.agent == "planner" and view.call < 8:
        where = {"path": "large.txt", "end_line": 700 + view.call}
        return ReplySpec(tool_calls=(CallSpec(name="read_file", arguments=where),))
    looked = 8 if view.agent == "planner" else 0
    return any_issue().reply(replace(view, replies=view.replies[looked:]))


def test_a_long_turn_is_summed_up_and_told_in_console_logs_and_report(scratch: Path) -> None:
    files = {**PROJECT, "large.txt": "some words here\n" * 800}
    with Night(scratch / "repo", Script.from_function(long_reader), files=files) as night:
        (night.root / ".workflow/config.toml").write_text("[limits]\ncompact_tokens = 20000\n")
        night.add("ISS-1")
        planned = night.run("plan")
        assert planned.code == 3
        assert "the vendor summed the turn up: " in planned.err
        assert "(over 20,000 tokens)" in planned.err
        assert " summed  by vendor: " in night.run("logs").out
        report = night.run("report", "--json")
        found = orjson.loads(report.out)
        assert found["conversations"]["summaries"] >= 1
        assert any(one.startswith("Turns summed up") for one in found["remarks"])
