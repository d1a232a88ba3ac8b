"""A repository's open issues through the `gh` program, with comments and who their authors are.

`gh issue list --json` says who commented and what they are to the project, but not what the
author of the issue itself is; GitHub's REST interface says that, page by page.
"""

import re
from collections.abc import Mapping, Sequence

import orjson

from pipeline import proc
from pipeline.errors import PipelineError, UsageProblem
from pipeline.store.importing.batch import NOTHING, Batch
from pipeline.store.importing.github_json import batch_of

FIELDS = "number,title,body,labels,author,url,state,createdAt,comments"
DEFAULT_LIMIT = 1_000
PAGE = 100
MOST_PAGES = 100
SECONDS = 300.0
MOST_BYTES = 512 * 2**20

NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
LOG_IN = "gh is not logged in: run `gh auth login`, then import again"
INSTALL = (
    "gh is not installed: see https://cli.github.com, or save the issues elsewhere and use "
    "`pipeline import --github-json FILE`"
)
NOT_LOGGED_IN = 4
"""Exit code of `gh` when it has no account to ask with."""


def read_github(
    repository: str, *, labels: Sequence[str] = (), limit: int = DEFAULT_LIMIT
) -> Batch:
    """Ask for the open issues of `OWNER/REPO`, the newest `limit`, with all of `labels`."""
    if not NAME.fullmatch(repository):
        raise UsageProblem(f"{repository!r} is no repository of GitHub: write OWNER/REPO")
    wanted = [word for label in labels for word in ("--label", label)]
    words = ["issue", "list", "--repo", repository, "--state", "open", "--limit", str(limit)]
    entries = _asked(repository, [*words, "--json", FIELDS, *wanted])
    found = {number: one for one in entries if isinstance(number := one.get("number"), int)}
    associations = _associations(repository, set(found)) if found else {}
    known = (
        (f"'{repository}' issue {number}", {**one, "author_association": associations.get(number)})
        for number, one in found.items()
    )
    batch = batch_of(known)
    if len(entries) < limit:
        return batch
    note = f"{repository} may have more: the newest {limit} were asked for (--limit)"
    return Batch(batch.incoming, batch.skipped, (*batch.notes, note))


def _associations(repository: str, wanted: set[int]) -> dict[int, object]:
    """Return issue number -> what its author is to the project."""
    found: dict[int, object] = {}
    for page in range(1, MOST_PAGES + 1):
        query = f"state=open&per_page={PAGE}&page={page}"
        entries = _asked(repository, ["api", f"repos/{repository}/issues?{query}"])
        for one in entries:
            if isinstance(number := one.get("number"), int):
                found[number] = one.get("author_association")
        if len(entries) < PAGE or wanted <= found.keys():
            break
    return found


def _asked(repository: str, words: Sequence[str]) -> list[Mapping[str, object]]:
    """Return the list of objects that `gh` answers with."""
    try:
        done = proc.run(["gh", *words], timeout_s=SECONDS, max_output=MOST_BYTES)
    except proc.CannotStart as error:
        raise PipelineError(INSTALL) from error
    if not done.ok or done.truncated:
        raise _problem(repository, done)
    try:
        value = orjson.loads(done.output)
    except orjson.JSONDecodeError as error:
        raise PipelineError(f"gh answered with no JSON ({error.msg}): {NOTHING}") from error
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise PipelineError(f"gh answered with no list of issues: {NOTHING}")
    return value


def _problem(repository: str, done: proc.Finished) -> PipelineError:
    said = done.errors.decode(errors="replace").strip()
    if done.exit_code == NOT_LOGGED_IN or "gh auth login" in said:
        return PipelineError(LOG_IN)
    if done.timed_out:
        return PipelineError(f"gh gave no answer within {SECONDS:.0f} s: {NOTHING}; try again")
    reason = said.splitlines()[0] if said else f"exit code {done.exit_code}"
    return PipelineError(f"gh cannot list the issues of {repository!r} ({reason}): {NOTHING}")
