"""`pipeline execute`: the execution phase alone."""

from typing import Annotated

import typer

from pipeline.cli import options as o
from pipeline.cli.working import work
from pipeline.domain.wanted import Wanted


def command(
    solutions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOL...]", help="Only these; ids of solutions or issues."),
    ] = None,
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
    """Carry approved plans out, one after the other; needs no key of the planner's vendor.

    Example: pipeline execute SOL-ISS-001-1
    """
    flags = o.flags(
        executor_provider=executor_provider,
        executor_model=executor_model,
        max_usd=max_usd,
        max_tokens=max_tokens,
        wait_quota=wait_quota,
        wait_gate=wait_gate,
        allow_untested=allow_untested,
        allow_red_baseline=allow_red_baseline,
        sandbox=sandbox,
    )
    wanted = Wanted(planning=False, solutions=tuple(solutions or ()))
    return work(repo, wanted, flags, as_json=as_json, plain=plain)
