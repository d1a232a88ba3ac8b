"""Write pages of docs/ from the code (see PAGES); a test says when they are old.

`python docs/generate.py` (or `make docs`). The words that only a person can find stand in the
tables below; options, defaults and variables come from the commands and the settings themselves.
"""

import textwrap
from pathlib import Path

from pipeline.cli.entry import COMMANDS, load
from pipeline.orchestrator import MEANING
from pipeline.plans.validation import FAMILIES, HEARS, Rule
from pipeline.settings import (
    DEFAULT_MODELS,
    ENVIRONMENT,
    KEYS,
    LISTS,
    RESERVED,
    RESERVED_SECTIONS,
    Settings,
    value_of,
)

DOCS = Path(__file__).parent
WIDTH = 100

EXIT_CODES = {**MEANING, 2: "the command was typed wrongly; one line says how"}
"""All of them; `pipeline.orchestrator.MEANING` has those of the work itself."""

NOTES: dict[str, str] = {
    "demo": """
        Needs git and a sandbox, no key and no network. Exit code 0 when three plans landed and
        one was turned down. Without `--into` it works in a new folder below the system's for
        temporary files. Its last lines say where that is, and the command that removes it with all
        that belongs to it. With `--json`: the report, and `folder`.""",
    "rehearse": """
        Needs git and a sandbox, no key and no network; [rehearsing](rehearsing.md) shows what it
        prints. Exit code 1 when something was lost. With `--json`: `{issues, landed, seconds,
        commands, left, lost, needs, faults}`, where a fault is `{fault, struck, did, seconds,
        processes, calls, outcome, settings}`, and with `--keep` `folder`. `--unattended`,
        `--wait-quota`, `--auto-approve`, `--max-usd`, `--base` and `--sandbox` are tonight's.""",
    "init": """
        Writes `.workflow/.gitignore` (one line, `*`) and a commented `.workflow/config.toml`.
        Running it twice is harmless. Where only one vendor's key is set, agents without one go to
        that vendor. A repository of several projects is tested one folder after the other. Asks
        nothing with `--yes`, with `--json` and where there is no terminal. With `--json`:
        `{dry_run, root, written, languages, test_command, lint_command, decided, checks}`, where
        `checks` are as `doctor` has them.""",
    "doctor": """
        Runs the project's tests once on HEAD, in the sandbox, as an attempt would. It looks
        whether a key is set and does not try it: that costs money. `--online` does: one call to
        each model, with the shortest answer there is (1 token, 16 at OpenAI), which counts against
        the caps of the day and of the open run. With `--json`: `[{name, good, found, mend}]`.""",
    "config": "There is one thing to show: `pipeline config show`.",
    "config show": """
        In the form of a config file; what follows `#` is the origin: a file with its line, a
        variable, a flag, or `default`. With `--json`: `[{key, value, origin: {kind, name, line}}]`,
        where `kind` is default, project, user, environment or flags.""",
    "completion": """
        For one shell: `eval "$(pipeline completion bash)"`. For all to come, write it to where the
        shell looks: `~/.local/share/bash-completion/completions/pipeline` (bash, with the package
        bash-completion), `~/.zfunc/_pipeline` (zsh, with `fpath+=~/.zfunc` before `compinit` in
        `~/.zshrc`), `~/.config/fish/completions/pipeline.fish` (fish). Ids of issues, plans and
        runs, names of settings, rules and prompts are completed too. With `--json`: `{shell, file,
        script}`.""",
    "agents": """
        Of the newest run. Cached is the share of the input that the vendor's cache answered for.
        With `--json`: `[{role, provider, model, spawned_at, turns, usage, cached_share}]`.""",
    "agents show": """
        What memory is, and how you write into it: [memory.md](memory.md). With `--json`: `{role,
        head_sha256, tools, tokens, notes, memory, ledger, proposals}`, with `--full` the `head`
        too.""",
    "trust": """
        Needed only where a repository has committed files below `.workflow/`: until they are
        trusted, every other command stops there with one line. Their digest goes into your own
        state folder; any later change of them asks again.""",
    "prompts": """
        [prompts.md](prompts.md) is the how-to. `list` marks with `*` what is in force, and ends
        with exit code 1 when an override cannot be used. `show` writes the path to stderr and
        the text alone to stdout, so `pipeline prompts show --shipped NAME > FILE` copies one.
        With `--json`: `[{name, level, path, variables, in_force, problem}]`, `{name, path,
        text}`, `{<name>: <diff>}` or `{path}`.""",
    "add": "With `--json`: the issue as it stands in the backlog.",
    "import": """
        All of the source or nothing of it; importing twice changes nothing twice. What differs
        from the backlog is told, and changes only with `--update`: an issue that has a plan is
        then planned again. Closed issues and pull requests are skipped; an issue of GitHub becomes
        `GH-<number>`. Words such as "depends on #12" become dependencies. The forms, and what
        each field becomes: [backlog.md](backlog.md). With `--json`: `{added, unchanged, changed,
        updated, changes, skipped, notes}`, where `changes` is `[{id, fields, standing,
        solution_id, updated}]`.""",
    "issues": """
        In the order of the backlog, unless `--sort` says another one. With `--json`: `[{id, title,
        status, solution_id, planned_at, executed_at, error}]`; `status` is registered, planning,
        planned, executing, completed, failed, blocked or parked.""",
    "issues edit": """
        Dependencies have to be in the backlog and may not go in a circle. An issue that has landed
        is refused, and so is one that an agent works on at this moment. A plan that was made from
        the earlier text stays as it is without `--replan`; with it, an approval is void. With
        `--json`: the issue.""",
    "issues close": """
        A plan of the issue stays in the records and does not run, approved or not. Issues that
        depend on a closed one can start. Its line says `"status": "completed"`. With `--json`:
        `{closed}`.""",
    "issues reopen": "With `--json`: `{reopened}`.",
    "review": """
        [review.md](review.md) shows it. Needs a terminal; `--plain` is for screen readers. A
        decision is recorded when the next one is made, or on quitting, if plan and order are
        still what was shown. Exit code 0 whatever was decided. With `--json`, nothing is asked:
        `[{kind, key, issue_id}]` lists what waits, `kind` being plan or questions.""",
    "defer": """
        A deferred plan is parked. A pending one is approved as ever, which ends the deferral; an
        approved one keeps its approval and does not run until `--undo`. With `--json`: the
        records.""",
    "show": """
        Takes a solution id, or an issue id for its current plan. What models and issues wrote
        is stripped of control, bidirectional and zero-width characters. `--format md` is the
        plan as a self-contained ExecPlan.""",
    "approve": """
        Signs the plan as it stands: its text, its terms, the blob of each of its files, and the
        plans that are to run before it on the same files. Approving in the order in which you
        want things to land is not necessary. What `--max-risk`, `--label` and `--all` choose are
        plans that wait and are not deferred, in the queue's order; those that fit and cannot be
        approved (stale, too low a role) are left, and one line says which plans were left and why.
        Exit code 0 also when there was nothing to approve. With `--json`: the planning records.""",
    "edit": """
        A plan is never changed in place: what you write becomes the issue's next plan, by
        `user:<name>`, checked like the planner's, on the run branch's tip (on HEAD without a run);
        it waits for a decision, and an approval of the earlier one is void. The text is a
        solution as in [results-files.md](results-files.md), without its ids; `--file` also takes
        what `pipeline show SOL --format json` prints. Refused while the plan is executed, while the
        planner works on the issue, and once it has landed. With `--json`: the record, or `null`
        when there was no plan and nothing was written. Programs: [python.md](python.md).""",
    "request-changes": """
        The next `pipeline plan` (or `run`) makes `SOL-<issue>-<n+1>`, which supersedes this
        one. An approval that was given is void. At most `gate.change_rounds` times for an issue,
        over all its plans; then `edit` and `reject` are left, and either starts the count over.
        Answers to a planner's questions do not count.""",
    "reject": "Only `pipeline retry`, or your own plan (`pipeline edit`), takes the issue up "
    "again.",
    "retry": """
        Refused, with the reason, where there is nothing to retry: an issue that has landed, or
        whose plan still waits for a decision. `--class` takes up all issues that ended one way: a
        failure class of [results-files.md](results-files.md) (a turn that passed its deadline is
        `agent`), `rolled_back`, `rejected` or `questions`. With `--json`: `{issue_id, again}`,
        where `again` is `plan` or `execute`; with `--class` `{class, again, left}`, by issue.""",
    "confirm": """
        Needed where `gate.checkpoint_every` is set: [waiting.md](waiting.md#checkpoints). Refused
        when no run
        has stopped at a checkpoint. With `--json`: `{solutions, by, comment}`.""",
    "rules": """
        [validation.md](validation.md) explains all of them. The third column says `on`, `off`, or
        `always` for what cannot be switched off. With `--json`: `[{id, severity, on, off_because,
        always_because, summary, reason, wrong, right}]`, or one of them.""",
    "plan": """
        Issues whose plan is current are left alone. Without a run, one is opened: a branch at
        `--base`. `--json`, here and for `execute` and `run`, prints the report, as in
        `.workflow/report.json`.""",
    "execute": """
        Plans that still wait are left alone; they make the exit code 3. `--wait-gate` is as for
        `run`.""",
    "run": """
        The one command for the night. Without a key that it needs it stops before anything else.
        `--max-usd` and `--max-tokens` cap the whole run, across restarts. `--wait-gate` keeps it
        alive for what is decided meanwhile: [waiting.md](waiting.md). `--auto-approve` is a rule
        for
        this run: what it never approves is in [safety.md](safety.md#approval-without-a-person).""",
    "resume": """
        [going-on.md](going-on.md) explains it. What is left is said on stderr before anything is
        done. Exit codes as for `run`; 0 where nothing is to be resumed, or a pause was ended. With
        `--json`: the report; or `{dry_run, asked, pid, run_id, before}` where no work is begun.""",
    "pause": """
        [going-on.md](going-on.md#pausing-and-stopping) says what it waits for. Exit code 0 also
        where no run is at work. With `--json`: `{dry_run, asked, pid, run_id, before}`; `before`
        is what had been asked earlier.""",
    "stop": """
        Ends a paused run too. The run itself exits with 130. With `--json`: as for `pause`.""",
    "history": """
        A run is closed when nothing is left to do, or by `run --new`. Failed are issues whose last
        outcome in the run was a failure, waiting the plans that waited at its end; `+` says that
        the price of some call is not known. With `--json`: `[{run_id, branch, base_commit,
        rehearsal, opened_at, closed_at, reason, state, landed, failed, waiting, calls, usd,
        price_unknown, archived, first_line, last_line}]`, the lines being the journal's.""",
    "archive": """
        [going-on.md](going-on.md#runs-that-are-over) says what stays. Refused while a run is at
        work. With `--json`: `{dry_run, archived}`, `archived` being `[{run_id, path, files,
        bytes}]`.""",
    "export-run": """
        [going-on.md](going-on.md#a-bundle) lists what is in it. With `--json`: `{path, run_id,
        files, bytes, left_out}`.""",
    "rollback": """
        [undoing.md](undoing.md) explains it. Takes a solution id, or an issue id for what landed
        of it. Refused while a run is alive, and where the project's tests, or the acceptance of
        what depends on it, fail without it. With `--json`: `{dry_run, branch, rolled_back,
        dependents}`, where `rolled_back` is `[{solution_id, issue_id, execution_result_id,
        commit_hash, rollback_commit, files}]`, newest first; with `--dry-run` also `diff_stat`.""",
    "restore": """
        [undoing.md](undoing.md#bringing-work-back) says what is kept, and for how long. With
        `--json`: `{ref, commit, kind, execution_result_id, task, kept_at, into}`, or a list of such
        where no name was given; `kind` is checkpoint, failed or interrupted.""",
    "clean": """
        [undoing.md](undoing.md#cleaning-up) has the table of what goes and when. With `--json`:
        `{dry_run, bytes, removed}`, where `removed` is `[{kind, name, bytes, used_at,
        commit}]`.""",
    "status": """
        Never touches the run; [watching.md](watching.md) explains the rows. `phase` is init,
        planning, gate, executing, paused, complete or idle; a run that waits for decisions says
        until when.
        With `--json`: `{phase, working, now, holds, run, issues, queue, errors, usage, budget,
        quotas, left, left_seconds}`; `now` is what is being done, `holds` what waits besides single
        issues, `budget` what is spent, reserved and left of run and day
        ([costs.md](costs.md#the-budget)), `left` what there is to do, `quotas` the
        vendors whose quota is used up, with the seconds that are left.""",
    "report": """
        Made anew from the records; with the id of an earlier run, as it was when that ended, of the
        issues that had been filed by then ([what is of today there](report.md)).
        `.workflow/report.md`, `report.html` and `report.json` hold it as it was when the last
        `plan`, `execute` or `run` ended, however it ended. `--json` and `--format json` are the
        same. [What it says](report.md).""",
    "logs": """
        Reads `.workflow/transcripts/` as a stream, however large it is; a damaged line is named
        and passed over. A note is one thing that was asked, said or done. With `-f` it goes on
        when a run ends and another one begins. `--json` is one object a line here, with
        everything outside ASCII escaped.""",
    "audit": "[audit.md](audit.md) says what is proven, and against whom.",
    "audit verify": """
        Compares the journal with its own hashes, with the results documents and with what your
        state folder remembers of it, and each approval with your key. Takes no lock. With
        `--json`: `{holds, lines, flaws, approvals, notes}`; a flaw is `{line, what}`, an approval
        `{line, at, solution_id, approver, role, rule, digest, expires_at, signed, in_force,
        reason}`.""",
    "audit show": """
        `--since` takes a time, of your own zone where it names none, or how long ago: `90m`, `2d`.
        `--solution` takes an issue as well. With `--json`: `[{seq, at, what, by, solution_id,
        issue_id, digest, role, rule, rule_max_risk, expires_at, signed, words}]`, in UTC.""",
    "execplan": "[execplan.md](execplan.md) has the form, and each rule with its reason.",
    "execplan lint": """
        Needs no repository. Files are checked one after the other; a file that cannot be read
        stops it. A file that is nothing but the plan has no fence around it; in a longer text, or
        in a message, the plan is one fenced block labelled `md`. With `--json`: `[{file, line,
        rule, message, reason}]`.""",
    "execplan new": """
        Without `--output` it goes to stdout. A file that is there already is left alone. With
        `--json`: `{path, text}`.""",
}
"""What the help does not say, by command."""

MEANINGS: dict[str, str] = {
    "planner.provider": "API of the Planning agent: `anthropic`, `openai`, `openai-chat`",
    "planner.model": "its model; a provider that is set later takes an earlier source's model away",
    "planner.fallback_model": "answers the rest of a turn when the model is overloaded, at the"
    " same provider: [providers.md](providers.md)",
    "planner.base_url": "another address for the vendor's interface (a proxy, a gateway)",
    "planner.effort": "how hard it thinks; what a model takes: [providers.md](providers.md)",
    "planner.temperature": "as above; most models of today take none",
    "planner.max_output_tokens": "what one call may write, at least 8000; the budget may lower it",
    "executor.provider": "API of the Execution agent",
    "executor.model": "its model",
    "executor.fallback_model": "as for the planner",
    "executor.base_url": "as for the planner",
    "executor.effort": "as for the planner",
    "executor.temperature": "as for the planner",
    "executor.max_output_tokens": "as for the planner",
    "limits.calls_per_turn": "model calls in one turn",
    "limits.planning_minutes": "time for one planning turn",
    "limits.execution_minutes": "time for one execution turn",
    "limits.command_seconds": "time for one command of an agent or of a verification",
    "limits.failing_finishes": "failing `finish_task` calls of one task before the attempt fails",
    "limits.answer_errors": "wrong answers that go back to an agent before its turn fails",
    "limits.repair_rounds": "verifications that go back to the agent after it said it was done",
    "limits.silence_seconds": "longest time without one byte from a vendor",
    "limits.provider_retries": "further tries of a call that failed for the moment",
    "limits.compact_tokens": "the size of a request from which on the turn is summed up first",
    "providers.cache_diagnostics": "ask vendors why their cache did not answer; they then keep a "
    "fingerprint of each request",
    "budget.tokens": "cap of a run: output, uncached input and cache writes; survives restarts",
    "budget.usd": "cap of a run in US dollars, by a price list that comes with the installation",
    "budget.minutes": "cap of the time that a run is worked on; survives restarts",
    "budget.day_tokens": "cap of all runs of this repository in one day (UTC), counted as `tokens`",
    "budget.day_usd": "the same in US dollars",
    "budget.issue_tokens": "cap of one planning turn, and of the execution of one plan",
    "budget.issue_minutes": "time for the execution of a plan; it may ask for up to 60",
    "budget.unknown_price": "what a cap in US dollars does with a model whose price is not known: "
    "`count` tokens alone, or `stop`",
    "gate.overlap": "`sequence`: a plan may run after another one on the same files when its "
    "reviewer was shown that one; `replan`: it is planned again instead",
    "gate.expires_days": "how long an approval counts",
    "gate.max_pending": "with so many plans waiting for a decision nothing more is planned: "
    "[waiting.md](waiting.md#enough-plans)",
    "gate.checkpoint_every": "after so many executed solutions a run stops until `pipeline "
    "confirm`: "
    "[waiting.md](waiting.md#checkpoints)",
    "gate.change_rounds": "how often changes of one issue's plan can be requested; then a person "
    "edits or rejects it",
    "policy.required": "table of risk to role, where another role than the usual one is needed",
    "policy.auto_approve": "rules that approve plans without a person: [safety.md](safety.md)",
    "policy.lock_previews": "content that steps carry is shown only once the plan is approved",
    "validation.max_steps": "most steps of one plan",
    "validation.max_files": "most files of one plan",
    "validation.off": "table of rule to reason: rules that are not applied",
    "tests.command": "the project's tests, for `bash -c` in its root; not set: detected",
    "tests.suite_seconds": "how long the project's tests may take (s); all other "
    "commands: `limits.command_seconds`",
    "workspace.keep": "paths of the checkout that workspaces see: `target` and `.tox` as a copy, "
    "whatever else is named read-only",
    "workspace.setup": "commands run in every fresh workspace, in the sandbox",
    "fence.quarantine": "what happens to changes that a plan does not allow: set `aside` as a "
    "patch, `fail` the attempt, or `ask` you ([verification](verification.md#the-fence))",
    "secrets.variables": "names of further variables whose values are secrets: "
    "[memory.md](memory.md#secrets)",
    "secrets.not_secret": "names of variables whose values may be seen, although they are called "
    "like a secret; it holds for no vendor's key",
    "sandbox.kind": "`bwrap`; `landlock`, which is [weaker](safety.md#without-bubblewrap); or"
    " `none`: commands run unconfined and the planner has no shell",
    "sandbox.memory_mb": "private memory of each process of a command; as root, of all its"
    " processes together where a cgroup can be made",
    "sandbox.processes": "processes and threads of one command",
    "sandbox.file_mb": "largest file that a command may write",
    "sandbox.cpu_seconds": "processor time of each process of a command",
    "sandbox.disk_mb": "what a command's `/tmp` holds",
    "sandbox.read": "further places that commands may read, such as a folder of test data",
    "sandbox.write": "further places that commands of agents and `workspace.setup` may write, such"
    " as a compiler's cache; planner and verification only read them",
    "gate.wait": "how long a run that has nothing else to do waits for decisions, such as `8h`: "
    "[waiting.md](waiting.md)",
    "roles": "their role: `user`, `reviewer`, `maintainer` or `admin`. Without this section "
    "whoever is there is admin; with it, a name that is not listed is a user",
    "plans.may_touch": "globs that every plan may change besides its own files; reviewers see them",
    "run.branch_prefix": "the run's branch is `<prefix>/<run id>`",
    "run.wait_quota": "how long a run waits for a vendor's quotas and outages, all together: "
    "`45s`, `30m`, `6h`, `1h30m`",
    "run.allow_untested": "work on a project without tests; the report says `untested`",
    "run.allow_red_baseline": "work on a base whose tests fail; the report says `red baseline`",
    "run.keep_days": "how long checkpoints, work of failed attempts and outputs are kept, in days: "
    "[undoing.md](undoing.md)",
    "run.rehearsal": "the models are a stand-in on this machine; real runs refuse its records",
    "run.overlap": "plan the next issues while approved plans are executed: "
    "[overlap.md](overlap.md)",
    "run.history": "what an agent is sent of its earlier turns: a `ledger` of short digests, "
    "nothing "
    "(`fresh`), or all of them (`full`, which costs more with every issue)",
}
"""What each setting means; a test compares the keys with `pipeline.settings.KEYS`."""

COMMANDS_HEAD = """\
# Commands

Made by `docs/generate.py` from the commands themselves. Every command that works on a repository
takes `-C/--repo PATH` (default: the folder you are in), and every command takes `--json`: one
document on stdout and nothing else there. Progress is one line per event on stderr (with `--json`:
one JSON object per line). An error that you can mend is one line on stderr.

## Exit codes

| code | means |
|---|---|
{codes}

Where several apply: 70, 130, 75, 5, 3, 4, 0. Codes 3 and 4 say what stands at the end: `pipeline
run` exits 3 while one plan waits, also when ten others have landed.
"""

SETTINGS_HEAD = """\
# Settings

Made by `docs/generate.py` from `pipeline/settings.py`. Later sources win:

1. `.workflow/config.toml`, the project's; `pipeline init` writes one that shows the defaults.
2. `~/.config/pipeline/config.toml`, yours (`XDG_CONFIG_HOME` is honoured).
3. Variables: `planner.provider` is `PIPELINE_PLANNER_PROVIDER`. A list is a TOML array, or
   separated by commas.
4. Flags, where a command has one.

`pipeline config show` prints every setting with the file and line, variable or flag that set it.

A key that does not exist, or a value that is not allowed, is an error in one line that names
source, key and what is allowed. Where git tracks `.workflow/`, every command stops until
`pipeline trust` has accepted it.

Keys of vendors are no settings: `ANTHROPIC_API_KEY`, `OPENAI_API_KEY` and
`OPENAI_CHAT_API_KEY` come from the environment, and are never written, logged or handed to a tool.
`ANTHROPIC_BASE_URL`, `OPENAI_BASE_URL`, `HTTPS_PROXY` and `NO_PROXY` are honoured.

**Reserved.** What decides about your machine or your keys is read from sources 2 to 4 only, and in
`.workflow/config.toml` it is an error: {reserved}.

Models, where none is set:

| provider | planner | executor |
|---|---|---|
{models}
| openai-chat | must be set | must be set |

What each provider is and what its models take: [providers.md](providers.md).
"""

SETTINGS_TAIL = """\
## An example

Planner at one vendor, executor at the other, ten dollars, in your own file:

    [planner]
    provider = "anthropic"
    effort = "high"

    [executor]
    provider = "openai"

    [budget]
    usd = 10.0

    [roles]
    ann = "maintainer"
"""


def commands_page() -> str:
    """Return docs/commands.md."""
    codes = "\n".join(f"| {code} | {EXIT_CODES[code]} |" for code in sorted(EXIT_CODES))
    parts = [COMMANDS_HEAD.format(codes=codes)]
    for panel in dict.fromkeys(entry.panel for entry in COMMANDS.values()):
        parts.append(f"## {panel}\n")
        for name, entry in COMMANDS.items():
            if entry.panel == panel:
                for one in (name, *(f"{name} {action}" for action in entry.actions)):
                    parts.append(f"### pipeline {one}\n\n{_indented(_help(one))}\n")
                    parts.append(_paragraph(NOTES[one]))
    return "\n".join(parts)


def settings_page() -> str:
    """Return docs/settings.md."""
    vendors = dict.fromkeys(provider for provider, _ in DEFAULT_MODELS)
    models = "\n".join(
        f"| {one} | `{DEFAULT_MODELS[one, 'planner']}` | `{DEFAULT_MODELS[one, 'executor']}` |"
        for one in vendors
    )
    reserved = ", ".join(f"`{key}`" for key in RESERVED)
    sections = ", ".join(f"`[{name}]`" for name in RESERVED_SECTIONS)
    parts = [SETTINGS_HEAD.format(models=models, reserved=f"{reserved}, {sections}")]
    for section in dict.fromkeys(key.partition(".")[0] for key in KEYS):
        keys = [key for key in KEYS if key.partition(".")[0] == section]
        rows = "\n".join(_row(key) for key in keys)
        parts.append(f"## [{section}]\n\n| key | default | meaning |\n|---|---|---|\n{rows}\n")
    variables = ", ".join(f"`{name}`" for name in ENVIRONMENT)
    parts.append(f"## Variables\n\n{_paragraph(variables)}")
    return "\n".join([*parts, SETTINGS_TAIL])


def _row(key: str) -> str:
    name = key.partition(".")[2] or "<user name>"
    mark = " (reserved)" if key in RESERVED or key.partition(".")[0] in RESERVED_SECTIONS else ""
    return f"| `{name}`{mark} | {_default(key)} | {MEANINGS[key]} |"


def _default(key: str) -> str:
    value = value_of(Settings(), key)
    if value is None or value in ("", (), {}):
        return "not set"
    if key.endswith(".model"):
        return "see above"
    if key in LISTS:
        assert isinstance(value, tuple)
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _help(name: str) -> str:
    command = load(*name.split())
    context = command.context_class(command, info_name=f"pipeline {name}", terminal_width=WIDTH)
    return command.get_help(context)


def _indented(text: str) -> str:
    return textwrap.indent(text.strip(), "    ", lambda line: bool(line.strip()))


def _paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH + 20, break_on_hyphens=False) + "\n"


VALIDATION_HEAD = """\
# Rules of validation

Made by `docs/generate.py` from the rules themselves, in `pipeline/plans/validation/`. Nobody is
asked about a plan before it has passed them.

- An **error** goes back to the Planning agent with its place and the rule's id, such as
  `tasks[0].files[1].path: 'gone.py' is not there to modify: ... [file-missing]`. Places count from
  0, as in the JSON of a solution. After three answers with errors the issue is `failed`. Plans that
  a person writes (`pipeline edit`) pass the same rules.
- A **warning** goes to the reviewer: it stands on the page of `pipeline review` and `pipeline show`
  with the rule's id, and keeps the plan from being approved by a rule of auto-approval.

`pipeline rules` lists them with what is on here, `pipeline rules file-missing` explains one.

## Switching one off

In your own config file (a project cannot do it for its users), with the reason:

    [validation.off]
    file-exists = "a generator writes these files anew"

A warning that is off is silent. An error that is off no longer stops a plan; the reviewer is shown
it as a warning, with your reason. Which rules are off stands on every page of a plan. A rule that
protects the repository, or without which a plan could not be carried out, is always on; its table
row says so. `validation.max_steps` and `validation.max_files` set the sizes.

## All of them

| rule | severity | off? | finds |
|---|---|---|---|
"""

OFF_OR_NOT = {True: "always on", False: "can be off"}


def validation_page() -> str:
    """Return docs/validation.md."""
    rules = [rule for family in FAMILIES.values() for rule in family]
    rows = "\n".join(
        f"| `{rule.id}` | {rule.severity} | {OFF_OR_NOT[bool(rule.always)]} | {rule.summary} |"
        for rule in rules
    )
    parts = [VALIDATION_HEAD + rows + "\n"]
    for heading, family in FAMILIES.items():
        parts.append(f"## {heading}\n")
        parts += [_rule(rule) for rule in family]
    return "\n".join(parts)


def _rule(rule: Rule) -> str:
    always = f" It is always on: {rule.always}." if rule.always else ""
    said = _paragraph(f"{HEARS[rule.severity].capitalize()}. {rule.reason}{always}")
    return f"### {rule.id}\n\n{said}\nWrong:\n\n    {rule.wrong}\n\nRight:\n\n    {rule.right}\n"


PAGES = {
    "commands.md": commands_page,
    "settings.md": settings_page,
    "validation.md": validation_page,
}
"""File in `docs/` -> what writes it."""


if __name__ == "__main__":
    for file, page in PAGES.items():
        (DOCS / file).write_text(page())
