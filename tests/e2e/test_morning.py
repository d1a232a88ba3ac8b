"""The report of a night on which everything happens: its numbers, and its page in a browser."""

import html
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from pipeline.cli.entry import run
from pipeline.domain.results import ExecutionRecord, PlanningRecord, Usage
from pipeline.observe.report.facts import Report
from pipeline.observe.report.words import lines, money
from tests.builders import git
from tests.e2e.browser import Browser, Page, find_browser
from tests.e2e.mixed import KILLED, LANDED, TITLES, mixed_night
from tests.surroundings import own_surroundings

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / ".axe" / "package" / "axe.min.js"
WINDOWS = [(390, 844, False), (390, 844, True), (1280, 900, False), (1280, 900, True)]
RUN_AXE = """axe.run(document).then(found => JSON.stringify(found.violations.map(
    one => [one.id, one.help, one.nodes.map(node => node.html)])))"""


@dataclass(frozen=True)
class Morning:
    """What there is when everybody sleeps again."""

    workflow: Path
    branch: str
    again: Report
    """The report as `pipeline report --json` makes it afterwards."""
    other_run: tuple[int, str]
    """Exit code and complaint of a report that was asked for of a run that never was."""

    @property
    def report(self) -> Report:
        return Report.model_validate_json((self.workflow / "report.json").read_bytes())

    @property
    def planned(self) -> list[PlanningRecord]:
        return [PlanningRecord.model_validate(one) for one in self._results("planning")]

    @property
    def executed(self) -> list[ExecutionRecord]:
        return [ExecutionRecord.model_validate(one) for one in self._results("execution")]

    def _results(self, phase: str) -> list[object]:
        found = orjson.loads((self.workflow / f"{phase}-results.json").read_bytes())
        return list(found["results"])


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    folder = tmp_path_factory.mktemp("night")
    with own_surroundings(folder / "user"), mixed_night(folder / "repo") as night:
        again = night.run("report", "--json")
        other = night.run("report", "20261121-000000-ffff")
        page = str(folder / "page.html")
        assert run(["report", "--format", "html", "--output", page, "-C", str(night.root)]) == 0
        yield Morning(
            night.root / ".workflow",
            night.branch,
            Report.model_validate_json(again.out),
            (other.code, other.err),
        )


def ids(report: Report) -> dict[str, list[str]]:
    return {
        group: [one.issue_id for one in found] for group, found in report.groups.items() if found
    }


def test_each_issue_is_in_its_group(morning: Morning) -> None:
    assert ids(morning.report) == {
        "landed": list(LANDED),
        "parked": ["ISS-7", "ISS-8", "ISS-9"],
        "turned down": ["ISS-6"],
        "failed": ["ISS-5"],
    }
    assert morning.report.headline == (
        "4 of 9 issues landed; 1 failed, 3 are parked, 1 was turned down."
    )
    assert (morning.report.exit_code, morning.report.ending.how) == (75, "ended")
    assert [one.provider for one in morning.report.quota_pauses] == ["openai"]
    assert morning.report.totals.concerns == {"contradiction": 1, "quarantine": 1, "recovered": 1}


def test_its_numbers_are_those_of_the_documents_and_of_git(morning: Morning) -> None:
    report, root = morning.report, morning.workflow.parent
    landed = {one.issue_id: one for one in morning.executed if one.commit_hash}
    base, whole = str(report.base_commit), Usage()

    for entry in [one for found in report.groups.values() for one in found]:
        records = (*morning.planned, *morning.executed)
        used = [one.usage for one in records if one.issue_id == entry.issue_id]
        total = Usage()
        for one in used:
            total = total.plus(one)
        whole = whole.plus(total)
        assert (entry.usd, entry.tokens) == (pytest.approx(total.usd), total.metered_tokens)
        assert sum(one.metered_tokens for one in entry.spent.values()) == entry.tokens
        attempt = landed.get(entry.issue_id)
        assert entry.commit == (attempt.commit_hash if attempt else None)
        if attempt is not None:
            ran = [one for task in attempt.tasks for one in task.commands]
            ran += [one for one in attempt.verification.commands if one.stage != "baseline"]
            assert [one.command for one in entry.tests_after] == [one.command for one in ran]
            assert entry.tests_before
            assert all(one.passed for one in (*entry.tests_before, *entry.tests_after))

    assert report.usage.calls == whole.calls
    assert report.usage.model.split(", ") == ["claude-opus-5-5", "gpt-6.1-sol"]
    assert report.usage.usd == pytest.approx(whole.usd)
    stat = git(root, "diff", "--shortstat", base, morning.branch)
    size = [int(found) for found in re.findall(r"\d+", stat)]
    totals = report.totals
    assert [totals.files, totals.added] == size[:2]
    assert totals.commits == len(git(root, "rev-list", f"{base}..{morning.branch}").split())


def test_it_is_the_same_when_it_is_made_again(morning: Morning) -> None:
    changes = {"written_at": morning.report.written_at, "budget": morning.report.budget}
    assert morning.again.model_copy(update=changes) == morning.report
    code, said = morning.other_run
    assert code == 1
    assert "there is no run '20261121-000000-ffff'" in said


def test_a_killed_process_is_told_of_by_the_next_report(morning: Morning) -> None:
    killed = morning.workflow.parent.parent / KILLED
    report = Report.model_validate_json(killed.read_bytes())
    assert (report.ending.how, report.ending.said) == ("killed", "`pipeline run` carries on")
    assert report.ending.at is not None
    assert report.headline.startswith("Nothing was carried out: 1 is parked, 1 was turned down")


def test_page_and_markdown_tell_the_same_numbers(morning: Morning) -> None:
    report = morning.report
    page = html.unescape((morning.workflow / "report.html").read_text())
    markdown = (morning.workflow / "report.md").read_text()
    for text in (page, markdown):
        assert report.headline in text
        assert money(report.usage.usd) in text
        for entry in [one for found in report.groups.values() for one in found]:
            assert entry.issue_id in text
            assert (entry.commit or "")[:10] in text
            assert f"{money(entry.usd)}, {entry.tokens:,} tokens" in text
            assert entry.next is None or entry.next in text
    assert lines(report.totals.added, report.totals.deleted) in page
    assert "All amounts are parsed, and every test passes." in page


def test_links_lead_to_files_from_where_the_page_lies(morning: Morning) -> None:
    elsewhere = morning.workflow.parent.parent / "page.html"
    for page in (morning.workflow / "report.html", elsewhere):
        links = re.findall(r'href="(\./[^"]+)"', page.read_text())
        assert len(links) > len(TITLES)
        assert [link for link in links if not (page.parent / link).exists()] == []


# in a browser


def what_is_missing() -> str:
    """Return what keeps the page from being opened here; empty: nothing does."""
    if find_browser() is None:
        return "no chromium: apt-get install chromium"
    return "" if AXE.exists() else "no axe-core: make browser"


def opened(browser: Browser, page: Path) -> Iterator[Page]:
    for width, height, dark in WINDOWS:
        yield browser.open(page, width=width, height=height, dark=dark)


def test_the_page_works_in_a_browser(morning: Morning) -> None:
    if missing := what_is_missing():
        assert os.environ.get("BROWSER_TESTS") != "required", missing
        pytest.skip(f"THE PAGE OF THE REPORT IS NOT OPENED IN A BROWSER: {missing}")
    path = morning.workflow / "report.html"
    grounds = set()
    with Browser() as browser:
        for page in opened(browser, path):
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            page.evaluate(f"{AXE.read_text()};0")
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert json.loads(page.evaluate(RUN_AXE)) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
            assert page.evaluate("document.querySelectorAll('script, img, iframe').length") == 0
            assert page.evaluate("document.querySelector('h1').textContent") == (
                morning.report.headline
            )
            assert page.requests == [path.as_uri()]
            assert page.complaints == []
        by_keyboard(browser.open(path, width=390, height=844, dark=False))
    assert grounds == {"rgb(250, 249, 246)", "rgb(20, 23, 27)"}, "one for light, one for dark"


def by_keyboard(page: Page) -> None:
    """Get past the head with the first key, and unfold something with another."""
    page.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the issues"
    page.press("Enter")
    for _ in range(20):
        page.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.press("Enter")
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 1
