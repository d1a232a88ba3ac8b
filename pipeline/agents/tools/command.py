"""run_command: a script in the sandbox, in the profile of the agent's role."""

from pipeline.agents.toolbox import Leash, Output
from pipeline.agents.tools.outputs import readable
from pipeline.agents.tools.wire import RunCommand, Wire
from pipeline.sandbox import Jail, Profile, Sandbox


class Commands:
    """The run_command tool of one turn."""

    def __init__(self, sandbox: Sandbox, jail: Jail, profile: Profile, most_seconds: int) -> None:
        self._sandbox = sandbox
        self._jail = jail
        self._profile: Profile = profile
        self._most = most_seconds

    def run_command(self, arguments: Wire, leash: Leash) -> Output:
        """Run a script; a failing one is an answer too, one that had to be killed an error."""
        assert isinstance(arguments, RunCommand)
        wanted = min(max(1, arguments.timeout_s or self._most), self._most)
        seconds = min(float(wanted), leash.remaining())
        done = self._sandbox.run(
            arguments.command, self._jail, self._profile, timeout_s=seconds, stop=leash.stop
        )
        text = readable(done.output)
        cut = "\n(its output was larger than is kept)" if done.truncated else ""
        if done.timed_out or done.stopped:
            why = f"timed out after {seconds:.0f} s" if done.timed_out else "stopped"
            return Output(f"{why} and was killed; its output until then:\n{text}{cut}", True)
        return Output(f"exit code {done.exit_code} ({done.duration_s:.1f} s)\n{text}{cut}".rstrip())
