"""From the words on the command line to an exit code: dispatch, one-line errors, the log of a bug.

Exit codes: 0 everything done; 1 an error that a person can mend; 2 usage; 3 plans wait for a
decision; 4 finished, some issues failed or are parked; 5 budget spent; 75 paused by a quota;
130 interrupted; 70 a bug.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from pipeline import __version__
from pipeline.cli.dry import with_dry_run
from pipeline.cli.platforms import refuse_platform
from pipeline.cli.streams import drop_stdout, make_streams_safe, say
from pipeline.cli.tables import VARIABLE, load_function
from pipeline.cli.usage import PlainGroup, PlainUsage
from pipeline.errors import PipelineError, UsageProblem, cannot_use

INTERRUPTED = 130
BUG = 70
USAGE = 2


@dataclass(frozen=True)
class Entry:
    """Where a command is, and its one line in `pipeline --help`."""

    module: str
    help: str
    panel: str
    actions: Mapping[str, str] = field(default_factory=dict)
    """Commands below this one -> where each of them is; without one, it does its own work."""


SETUP, BACKLOG, DECIDE, WORK = "Set up", "The backlog", "Decide", "Work"
PROVE = "Prove"

COMMANDS: dict[str, Entry] = {
    "demo": Entry("demo", "The whole thing, offline, in a scratch repository, in seconds.", SETUP),
    "rehearse": Entry("rehearse", "Tonight's run for free, with what goes wrong at night.", SETUP),
    "init": Entry("init", "Set up .workflow/ in this repository.", SETUP),
    "doctor": Entry("doctor", "Say what is missing, and the command that mends it.", SETUP),
    "config": Entry(
        "config",
        "Show the settings that hold, and where each comes from.",
        SETUP,
        actions={"show": "config_show"},
    ),
    "completion": Entry("completion", "Write what has your shell complete words.", SETUP),
    "trust": Entry("trust", "Accept a .workflow/ that git tracks, as it is now.", SETUP),
    "prompts": Entry("prompts", "Show, compare or override what the agents are told.", SETUP),
    "add": Entry("add", "Add one issue to the backlog.", BACKLOG),
    "import": Entry("import_", "Import issues: GitHub, Markdown, JSON.", BACKLOG),
    "issues": Entry(
        "issues",
        "List the backlog and where each issue stands; edit, close, reopen.",
        BACKLOG,
        actions={"edit": "issue_edit", "close": "issue_close", "reopen": "issue_reopen"},
    ),
    "review": Entry("review", "Walk through what waits for you, one plan a page.", DECIDE),
    "show": Entry("show", "Show one plan as a reviewer reads it.", DECIDE),
    "approve": Entry("approve", "Approve plans; nothing is executed without it.", DECIDE),
    "edit": Entry("edit", "Write a plan yourself, or change one.", DECIDE),
    "request-changes": Entry("request_changes", "Send a plan back with words.", DECIDE),
    "reject": Entry("reject", "Turn a plan down for good.", DECIDE),
    "defer": Entry("defer", "Set plans aside for later.", DECIDE),
    "confirm": Entry("confirm", "Let a run go on at a checkpoint.", DECIDE),
    "retry": Entry("retry", "Take an issue up again, with new information.", DECIDE),
    "rules": Entry("rules", "What a plan has to be: list the rules, explain one.", DECIDE),
    "plan": Entry("plan", "Turn issues into plans; changes no code.", WORK),
    "execute": Entry("execute", "Carry approved plans out, one tested commit each.", WORK),
    "run": Entry("run", "Plan, stop at the gate, execute; resumes by itself.", WORK),
    "resume": Entry("resume", "Go on: end a pause, or say what is left and run.", WORK),
    "pause": Entry("pause", "Have the run at work wait after its step.", WORK),
    "stop": Entry("stop", "Have the run at work end, from any window.", WORK),
    "rollback": Entry("rollback", "Undo a landed solution by a tested commit.", WORK),
    "restore": Entry("restore", "Bring back work that was kept of an attempt.", WORK),
    "clean": Entry("clean", "Remove what the pipeline left and nothing needs.", WORK),
    "status": Entry("status", "Where everything stands, at once.", WORK),
    "report": Entry("report", "What came of it: landed, needs you, parked, failed.", WORK),
    "logs": Entry("logs", "What the agents said and did.", WORK),
    "agents": Entry(
        "agents",
        "What the agents used, and what they remember.",
        WORK,
        actions={"show": "agents_show"},
    ),
    "history": Entry("history", "What each run came to, and what it cost.", WORK),
    "archive": Entry("archive", "Pack what is kept of closed runs.", WORK),
    "export-run": Entry("export_run", "One run in one file, without secrets.", PROVE),
    "audit": Entry(
        "audit",
        "Prove the journal, and tell who decided what.",
        PROVE,
        actions={"verify": "audit_verify", "show": "audit_show"},
    ),
    "execplan": Entry(
        "execplan",
        "Check ExecPlans of anybody, or begin one.",
        PROVE,
        actions={"lint": "execplan_lint", "new": "execplan_new"},
    ),
}


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are used."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=entry.help, callback=lambda: None)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by panel, in the order of the table."""
        for panel in dict.fromkeys(entry.panel for entry in COMMANDS.values()):
            with formatter.section(panel):
                formatter.write_dl(
                    [(name, entry.help) for name, entry in COMMANDS.items() if entry.panel == panel]
                )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the real command for a name, importing its file."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        if placeholder is None or name is None:
            return name, placeholder, rest
        return name, _complete(load(name)), rest


def load(name: str, action: str = "") -> TyperCommand | TyperGroup:
    """Import the command `name`, or an action of it; the function is called `command`.

    A command with actions is a group that does work of its own without one.
    """
    entry = COMMANDS[name]
    root = typer.Typer(add_completion=False, rich_markup_mode=None)
    words = f"{name} {action}".rstrip()
    module = entry.actions[action] if action else entry.module
    function = with_dry_run(words, load_function(module, "command"))
    if action or not entry.actions:
        root.command(action or name, cls=PlainUsage, help=function.__doc__)(function)
    else:
        root.callback(cls=PlainGroup, invoke_without_command=True, help=function.__doc__)(function)
        for word, module in entry.actions.items():
            below = with_dry_run(f"{name} {word}", load_function(module, "command"))
            root.command(word, cls=PlainUsage, help=below.__doc__)(below)
    command = get_command(root)
    assert isinstance(command, TyperCommand | TyperGroup)
    return command


def _complete(command: Any) -> Any:
    """Return a command whose ids are completed, when it is the shell that asks."""
    if VARIABLE not in os.environ:
        return command
    return load_function("completing", "with_ids")(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pipeline {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Turn an issue backlog into reviewed plans and tested commits.

    An evening: pipeline import --github-json issues.json, pipeline plan, pipeline show SOL,
    pipeline approve SOL. The night: pipeline run --unattended. The morning: pipeline report.
    """


def application() -> Any:
    """Return the root command."""
    root = typer.Typer(cls=LazyGroup, add_completion=False, rich_markup_mode=None)
    root.callback()(_root)
    return _complete(get_command(root))


def run(words: Sequence[str]) -> int:
    """Run one command line and return its exit code; a person's error is one line on stderr."""
    try:
        refuse_platform(sys.platform)
        _refuse_bytes(words)
        result = application().main(
            _in_order(words) or ["--help"], prog_name="pipeline", standalone_mode=False
        )
    except typer.TyperException as error:
        where = getattr(getattr(error, "ctx", None), "command_path", "pipeline")
        said = load_function("misspelt", "explain")(error)
        return _say(f"{where}: {_flat(said)} (see {where} --help)", USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return _say("pipeline: interrupted; `pipeline run` carries on", INTERRUPTED)
    except typer.Exit as leave:
        return leave.exit_code
    except PipelineError as error:
        return _say(f"pipeline: {_flat(str(error))}", error.exit_code)
    except SystemExit:  # how typer says that nobody reads stdout any more: seen enough, no error
        drop_stdout()
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: a bug gets a log and exit 70
        if isinstance(error, OSError) and (problem := cannot_use(error)):
            if error.filename is None:
                drop_stdout()
            return _say(f"pipeline: {_flat(str(problem))}", problem.exit_code)
        log = load_function("crash", "write_crash_log")(words)
        return _say(f"pipeline: a bug: {error!r:.200}; the log is {log}", BUG)
    return result if isinstance(result, int) else 0


def main() -> None:
    """Be the console script."""
    make_streams_safe()
    sys.exit(run(sys.argv[1:]))


def _in_order(words: Sequence[str]) -> list[str]:
    """Return the words as the parser has them, from `-C PATH COMMAND` and `help COMMAND`, git's."""
    if words and words[0] == "help":
        return [*words[1:], "--help"]
    if len(words) > 2 and words[0] in ("-C", "--repo"):
        return [words[2], *words[:2], *words[3:]]
    return list(words)


def _refuse_bytes(words: Sequence[str]) -> None:
    """Refuse words that are not text: they could be neither shown nor kept."""
    for word in words:
        if not word.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in word):
            raise UsageProblem(
                f"{word!r} is not UTF-8 text: write it in UTF-8, with a locale such as C.UTF-8"
            )


def _say(text: str, code: int) -> int:
    say(text)
    return code


def _flat(text: str) -> str:
    return " ".join(text.split())
