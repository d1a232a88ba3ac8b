"""What one model call costs: reserved and journaled before each try, settled after it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.domain.results import Usage
from pipeline.errors import PipelineError, ProviderError, Stopped, TurnTimedOut
from pipeline.safety.budget import Purse
from pipeline.store import entries
from pipeline.store.book import Book
from pipeline.store.room import require_room

BROKEN_OFF = (TurnTimedOut, Stopped)
"""We hung up: the vendor bills what it had read and written by then, and does not say how much."""


@dataclass
class Payment:
    """Pays for the tries of one model call; a `Meter`.

        begin -> (failed -> again)* -> done | broken

    A try that came to nothing costs nothing where the vendor refused it. Where an answer may have
    begun nobody tells what it cost, and its reserve stays.
    """

    book: Book
    purse: Purse
    role: str
    request_id: str
    model: str
    price: Callable[[Usage], float | None]
    """What a usage costs at most."""
    likely: int
    """Input tokens that the cache will not answer for."""
    most: int
    """Input tokens at most."""
    used: Usage = field(default_factory=Usage)
    """What the tries have used so far."""
    _output: int = field(init=False, default=0)
    _under_way: bool = field(init=False, default=False)

    def begin(self, wanted_output: int) -> int:
        """Reserve the first try; return how many output tokens it may use."""
        self._output = self._reserve(wanted_output, lower=True)
        return self._output

    def failed(self, error: ProviderError) -> None:
        """Settle a try that another one follows."""
        self._end(Usage(model=self.model), error)

    def again(self) -> None:
        """Reserve another try, of the same size: the request is made already."""
        self._reserve(self._output, lower=False)

    def broken(self, error: PipelineError) -> None:
        """Settle the last try, which has failed; nothing where none is under way."""
        if self._under_way:
            calls = 1 if isinstance(error, BROKEN_OFF) else 0
            self._end(Usage(model=self.model, calls=calls), error)

    def done(self, usage: Usage) -> None:
        """Settle the last try, which was answered."""
        self._end(usage, None)

    def _reserve(self, output: int, *, lower: bool) -> int:
        require_room(self.book.places)
        output = self.purse.reserve(
            self.likely, output, self._price, most_input=self.most, lower=lower
        )
        tokens, usd = self.purse.reserved
        known = self._price(Usage()) is not None
        self.book.record(
            entries.CallBegun(
                role=self.role,
                request_id=self.request_id,
                reserved_tokens=tokens,
                reserved_usd=round(usd, 9) if known else None,
            )
        )
        self._under_way = True
        return output

    def _price(self, usage: Usage) -> float | None:
        return self.price(usage.model_copy(update={"model": self.model}))

    def _end(self, usage: Usage, error: PipelineError | None) -> None:
        told = error is None or not _may_be_billed(error)
        self.book.record(
            entries.CallSettled(
                role=self.role,
                request_id=self.request_id,
                usage=usage,
                error=None if error is None else f"{type(error).__name__}: {error}",
                told=told,
                run_seconds=round(self.purse.worked_s, 3),
            )
        )
        self.purse.settle(usage, told=told)
        self.used = self.used.plus(usage)
        self._under_way = False


def _may_be_billed(error: PipelineError) -> bool:
    if isinstance(error, ProviderError):
        return error.may_be_billed
    return isinstance(error, BROKEN_OFF)
