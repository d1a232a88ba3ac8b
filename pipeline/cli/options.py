"""Options that several commands share; each has one meaning everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Repo = Annotated[
    Path,
    typer.Option("-C", "--repo", metavar="PATH", help="The git repository.", show_default=False),
]
HERE = Path()

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]

Plain = Annotated[
    bool, typer.Option("--plain", help="One line per event, also on a terminal: no live view.")
]


DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done or changed; change nothing.")
]


class SandboxKind(StrEnum):
    """How commands are confined."""

    BWRAP = "bwrap"
    LANDLOCK = "landlock"
    NONE = "none"


class ProviderName(StrEnum):
    """The vendors that an agent can be served by."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    OPENAI_CHAT = "openai-chat"


PlannerProvider = Annotated[
    ProviderName | None, typer.Option("--planner-provider", help="Vendor of the Planning agent.")
]
PlannerModel = Annotated[
    str | None, typer.Option("--planner-model", metavar="NAME", help="Model of the Planning agent.")
]
ExecutorProvider = Annotated[
    ProviderName | None, typer.Option("--executor-provider", help="Vendor of the Execution agent.")
]
ExecutorModel = Annotated[
    str | None,
    typer.Option("--executor-model", metavar="NAME", help="Model of the Execution agent."),
]
Sandbox = Annotated[
    SandboxKind | None,
    typer.Option(
        "--sandbox",
        help="bwrap (default); landlock, weaker; none: commands run unconfined.",
    ),
]
Base = Annotated[
    str | None,
    typer.Option("--base", metavar="REV", help="Where a new run starts; HEAD if not given."),
]
MaxUsd = Annotated[
    float | None, typer.Option("--max-usd", metavar="USD", help="Cap of the run's bill; above 0.")
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        metavar="N",
        min=1,
        help="Cap of the run's output and uncached input tokens.",
    ),
]
WaitQuota = Annotated[
    str | None,
    typer.Option(
        "--wait-quota", metavar="TIME", help="Wait that long for quotas and outages (30m, 6h)."
    ),
]
WaitGate = Annotated[
    str | None,
    typer.Option(
        "--wait-gate",
        metavar="TIME",
        help="With nothing else to do, wait that long for decisions made elsewhere (60s, 8h).",
    ),
]
AllowUntested = Annotated[
    bool, typer.Option("--allow-untested", help="Work on a project without tests; reports say so.")
]
AllowRed = Annotated[
    bool,
    typer.Option("--allow-red-baseline", help="Work on a base whose tests fail; reports say so."),
]
New = Annotated[bool, typer.Option("--new", help="Close the open run and start another.")]
By = Annotated[
    str,
    typer.Option("--comment", metavar="TEXT", help="Kept with the decision.", show_default=False),
]

KEY_OF: dict[str, str] = {
    "planner_provider": "planner.provider",
    "planner_model": "planner.model",
    "executor_provider": "executor.provider",
    "executor_model": "executor.model",
    "max_usd": "budget.usd",
    "max_tokens": "budget.tokens",
    "wait_quota": "run.wait_quota",
    "wait_gate": "gate.wait",
    "overlap": "run.overlap",
    "allow_untested": "run.allow_untested",
    "allow_red_baseline": "run.allow_red_baseline",
    "sandbox": "sandbox.kind",
}
"""The setting that each flag sets."""


def flags(**given: object) -> dict[str, object]:
    """Return the settings that flags set; one that was not given leaves its setting alone."""
    values = {KEY_OF[name]: value for name, value in given.items()}
    return {
        key: str(value) if isinstance(value, StrEnum) else value
        for key, value in values.items()
        if value is not None and value is not False
    }
