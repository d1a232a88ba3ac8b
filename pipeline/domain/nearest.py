"""Which known name was probably meant by one that is none."""

from collections.abc import Iterable
from difflib import get_close_matches

from pipeline.errors import PipelineError

LIKENESS = 0.6
"""Of 1: how much of two names has to agree (`difflib`) for one to be taken for the other."""
SHORTEST = 3
"""With fewer characters the beginning of a name says nothing."""


def nearest(name: str, known: Iterable[str], *, likeness: float = LIKENESS) -> str | None:
    """Return the known name that is most like `name`, None when none is; case does not count."""
    folded = {one.casefold(): one for one in known}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=likeness)
    return folded[close[0]] if close else None


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the one known name that begins with `name`, else the nearest one."""
    names = tuple(known)
    begin = name.casefold()
    longer = [one for one in names if one.casefold().startswith(begin)]
    if len(longer) == 1 and len(name) >= SHORTEST:
        return longer[0]
    return nearest(name, names)


def did_you_mean(name: str, known: Iterable[str], instead: str) -> str:
    """Return the question with the name that was meant, or `instead` where none is like it."""
    found = meant(name, known)
    return f"did you mean {found!r}?" if found else instead


def choose_one_of(name: str, allowed: Iterable[str]) -> str:
    """Return the advice for a value that is none of the allowed ones: all, and the one meant."""
    names = tuple(allowed)
    found = meant(name, names)
    return f"choose one of {', '.join(names)}" + (f" (did you mean {found}?)" if found else "")


def no_such(kind: str, name: str, known: Iterable[str], instead: str) -> PipelineError:
    """Return the error for a name that is none of the known ones; `instead` where none is like it.

    >>> str(no_such("rule", "file-mising", ["file-missing"], "`pipeline rules` lists them"))
    "there is no rule 'file-mising': did you mean 'file-missing'?"
    """
    return PipelineError(f"there is no {kind} {name!r}: {did_you_mean(name, known, instead)}")
