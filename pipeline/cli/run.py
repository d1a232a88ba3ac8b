"""`pipeline run`: all phases; resumes by itself."""

from typing import Annotated

import typer

from pipeline.cli import options as o
from pipeline.cli.working import work
from pipeline.domain.plan import RiskLevel
from pipeline.domain.wanted import Wanted

UNATTENDED_WAIT = "6h"
"""How long an unattended run waits for a quota."""


def command(
    unattended: Annotated[
        bool, typer.Option("--unattended", help="Waits up to 6 h for a quota; asks nothing.")
    ] = False,
    auto_approve: Annotated[
        RiskLevel | None,
        typer.Option(
            "--auto-approve",
            metavar="LEVEL",
            case_sensitive=False,
            help="Approves plans up to this risk (LOW to CRITICAL) of owners' and members' issues.",
        ),
    ] = None,
    overlap: Annotated[
        bool, typer.Option("--overlap", help="Plans the next issues while one is executed.")
    ] = False,
    base: o.Base = None,
    new: o.New = False,
    planner_provider: o.PlannerProvider = None,
    planner_model: o.PlannerModel = None,
    executor_provider: o.ExecutorProvider = None,
    executor_model: o.ExecutorModel = None,
    max_usd: o.MaxUsd = None,
    max_tokens: o.MaxTokens = None,
    wait_quota: o.WaitQuota = None,
    wait_gate: o.WaitGate = None,
    allow_untested: o.AllowUntested = False,
    allow_red_baseline: o.AllowRed = False,
    sandbox: o.Sandbox = None,
    plain: o.Plain = False,
    repo: o.Repo = o.HERE,
    as_json: o.Json = False,
) -> int:
    """Plan what needs a plan, stop at the gate, execute what is approved.

    Killed or stopped anywhere, the same command carries on. Exit codes: 0 done, 3 plans wait
    for you, 4 some issues failed or are parked, 5 budget spent, 75 paused by a quota.

    Example: pipeline run --unattended --max-usd 20
    """
    flags = o.flags(
        planner_provider=planner_provider,
        planner_model=planner_model,
        executor_provider=executor_provider,
        executor_model=executor_model,
        max_usd=max_usd,
        max_tokens=max_tokens,
        overlap=overlap,
        wait_gate=wait_gate,
        wait_quota=wait_quota or (UNATTENDED_WAIT if unattended else None),
        allow_untested=allow_untested,
        allow_red_baseline=allow_red_baseline,
        sandbox=sandbox,
    )
    return work(
        repo,
        Wanted(base=base, new=new, auto_approve=auto_approve),
        flags,
        as_json=as_json,
        plain=plain,
    )
