"""What an agent and a run wait for, waited for outside of the floor (see `phases/floor.py`)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import proc
from pipeline.agents.messages import CallLimits, Lifetimes, ModelRequest, Provider, Reply
from pipeline.app.patience import Timing
from pipeline.domain.results import Usage
from pipeline.phases.floor import Floor
from pipeline.sandbox import Jail, Kind, Profile, Sandbox


class ProviderAside:
    """A provider during whose calls other threads work."""

    def __init__(self, provider: Provider, floor: Floor) -> None:
        self.name, self.model, self.fallback = provider.name, provider.model, provider.fallback
        self._provider = provider
        self._floor = floor

    def complete(self, request: ModelRequest, limits: CallLimits) -> Reply:
        """Make one model call."""
        with self._floor.left():
            return self._provider.complete(request, limits)

    def compacts(self, model: str) -> bool:
        """Tell whether the vendor writes summaries."""
        return self._provider.compacts(model)

    def compact(self, request: ModelRequest, limits: CallLimits) -> Reply:
        """Have the vendor write a summary."""
        with self._floor.left():
            return self._provider.compact(request, limits)

    def lifetimes(self, model: str) -> Lifetimes:
        """Return how long the vendor keeps what it has cached."""
        return self._provider.lifetimes(model)

    def price(self, usage: Usage) -> float | None:
        """Return what `usage` costs (USD)."""
        return self._provider.price(usage)

    def close(self) -> None:
        """Close the connections."""
        self._provider.close()


@dataclass(frozen=True)
class SandboxAside:
    """A sandbox during whose commands other threads work."""

    sandbox: Sandbox
    floor: Floor

    @property
    def name(self) -> Kind:
        """Return the name that settings and records use."""
        return self.sandbox.name

    @property
    def lacks(self) -> tuple[str, ...]:
        """Return what the sandbox does not give here."""
        return self.sandbox.lacks

    def objects_path(self, objects: Path) -> Path:
        """Return the path under which commands see the object store."""
        return self.sandbox.objects_path(objects)

    def has_shell(self, profile: Profile) -> bool:
        """Tell whether commands may be run at all under `profile`."""
        return self.sandbox.has_shell(profile)

    def run(
        self,
        script: str,
        jail: Jail,
        profile: Profile,
        *,
        timeout_s: float,
        stop: Callable[[], bool] = proc.never,
    ) -> proc.Finished:
        """Run `bash -c script` in the checkout, from this thread, which outlives it."""
        with self.floor.left():
            return self.sandbox.run(script, jail, profile, timeout_s=timeout_s, stop=stop)


def timing_aside(timing: Timing, floor: Floor) -> Timing:
    """Return clocks on which other threads work while one sleeps."""

    def sleep(seconds: float) -> None:
        with floor.left():
            timing.sleep(seconds)

    return replace(timing, sleep=sleep)
