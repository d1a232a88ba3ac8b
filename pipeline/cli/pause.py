"""`pipeline pause`: have the run that is at work wait after its step."""

from pipeline.cli.options import HERE, DryRun, Json, Repo
from pipeline.cli.steer import ask_for
from pipeline.store.asked import What


def command(dry_run: DryRun = False, repo: Repo = HERE, as_json: Json = False) -> None:
    """Have the run that is at work here finish its turn or attempt, and then wait.

    It goes on with `pipeline resume` and ends with `pipeline stop`. A run that is killed while it
    is paused is not paused when it is begun again.

    Example: pipeline pause
    """
    ask_for(What.PAUSE, repo, dry_run=dry_run, as_json=as_json)
