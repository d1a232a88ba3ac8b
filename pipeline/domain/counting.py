"""How many of something there are, in words; alone here, so that `status` imports no models."""


def counted(number: float, one: str, several: str | None = None) -> str:
    """Return a number with its noun: `1 file`, `3 files`, `1,200 files`, `0.5 minutes`.

    `several` where that is not `one` with an s: `counted(n, "plan waits", "plans wait")`.
    """
    shown = f"{number:,}" if isinstance(number, int) else f"{number:,g}"
    return f"{shown} {plural(number, one, several)}"


def plural(number: float, one: str, several: str | None = None) -> str:
    """Return the noun alone, where the number stands elsewhere: `4 of 5 issues`."""
    return one if number == 1 else several or f"{one}s"
