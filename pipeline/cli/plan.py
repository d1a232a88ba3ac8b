"""`pipeline plan`: the planning phase alone."""

from typing import Annotated

import typer

from pipeline.cli import options as o
from pipeline.cli.working import work
from pipeline.domain.wanted import Wanted


def command(
    issues: Annotated[
        list[str] | None, typer.Argument(metavar="[ISSUE...]", help="Only these issues.")
    ] = None,
    base: o.Base = None,
    new: o.New = False,
    planner_provider: o.PlannerProvider = None,
    planner_model: o.PlannerModel = None,
    max_usd: o.MaxUsd = None,
    max_tokens: o.MaxTokens = None,
    wait_quota: o.WaitQuota = None,
    allow_untested: o.AllowUntested = False,
    sandbox: o.Sandbox = None,
    plain: o.Plain = False,
    repo: o.Repo = o.HERE,
    as_json: o.Json = False,
) -> int:
    """Send every issue that needs a plan to the Planning agent; no code is changed.

    Ends with exit code 3 when plans wait for a decision.

    Example: pipeline plan ISS-001 ISS-002
    """
    flags = o.flags(
        planner_provider=planner_provider,
        planner_model=planner_model,
        max_usd=max_usd,
        max_tokens=max_tokens,
        wait_quota=wait_quota,
        allow_untested=allow_untested,
        sandbox=sandbox,
    )
    wanted = Wanted(execution=False, issues=tuple(issues or ()), base=base, new=new)
    return work(repo, wanted, flags, as_json=as_json, plain=plain)
