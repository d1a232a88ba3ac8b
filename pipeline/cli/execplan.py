"""`pipeline execplan`: ExecPlans of anybody; `lint`, `new`."""

import typer

from pipeline.errors import UsageProblem


def command(context: typer.Context) -> None:
    """Check ExecPlans, or begin one: the living plans that PLANS.md of OpenAI describes.

    Works anywhere, on plans of anybody; no repository is needed.

    Example: pipeline execplan lint docs/plans/add-a-flag.md
    """
    if context.invoked_subcommand is None:
        raise UsageProblem("say which: `pipeline execplan lint FILE`, or `execplan new TITLE`")
