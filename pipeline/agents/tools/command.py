"""run_command: a script in the sandbox, in the profile that the role or the plan allows it."""

import re
from collections.abc import Callable

from pipeline.agents.permits import Denial, Permit
from pipeline.agents.toolbox import Leash, Output
from pipeline.agents.tools.outputs import readable
from pipeline.agents.tools.wire import RunCommand, Wire
from pipeline.sandbox import Jail, Sandbox

Judge = Callable[[str], Permit | Denial]

REFUSED_WRITE = re.compile(r"Read-only file system|\bEROFS\b|Errno 30\b")
TO_WRITE = (
    "The workspace is read-only for this command. Change files with the file tools. A command that "
    "has to write must be in the plan, word for word, or the plan needs the privilege "
    "`shell_exec`: if the work cannot do without, submit_result with status `failed` and say so."
)


def always(permit: Permit) -> Judge:
    """Return a judge that gives every script the same permit."""
    return lambda _script: permit


class Commands:
    """The run_command tool of one turn."""

    def __init__(
        self,
        sandbox: Sandbox,
        jail: Jail,
        judge: Judge,
        most_seconds: int,
        passed: set[str] | None = None,
    ) -> None:
        """`passed` collects the scripts that exit with 0."""
        self._passed = set() if passed is None else passed
        self._sandbox = sandbox
        self._jail = jail
        self._judge = judge
        self._most = most_seconds

    def run_command(self, arguments: Wire, leash: Leash) -> Output:
        """Run a script; a failing one is an answer too, one that had to be killed an error."""
        assert isinstance(arguments, RunCommand)
        permit = self._judge(arguments.command)
        if isinstance(permit, Denial):
            return Output(permit.reason, is_error=True)
        wanted = min(max(1, arguments.timeout_s or self._most), self._most)
        seconds = min(float(wanted), leash.remaining())
        done = self._sandbox.run(
            arguments.command, self._jail, permit.profile, timeout_s=seconds, stop=leash.stop
        )
        text = readable(done.output)
        cut = "\n(its output was larger than is kept)" if done.truncated else ""
        how = f", read-only: {permit.why}" if permit.why else ""
        if done.timed_out or done.stopped:
            why = f"timed out after {seconds:.0f} s" if done.timed_out else "stopped"
            return Output(f"{why} and was killed{how}; its output until then:\n{text}{cut}", True)
        if how and done.exit_code != 0 and REFUSED_WRITE.search(text):
            cut += f"\n{TO_WRITE}"
        if done.exit_code == 0:
            self._passed.add(arguments.command)
        head = f"exit code {done.exit_code} ({done.duration_s:.1f} s){how}"
        return Output(f"{head}\n{text.rstrip()}{cut}".rstrip())
