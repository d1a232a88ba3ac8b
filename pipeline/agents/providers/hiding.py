"""Takes a vendor's key out of errors: some servers send back what they were sent."""

from collections.abc import Iterator

SHORTEST = 12
"""A real key is longer; what stands in for one where none is needed may be said."""
LEAST = 8
"""So many characters of a key that was cut off are hidden too."""
HIDDEN = "[the key]"


def hide_key(error: BaseException, key: str) -> None:
    """Replace `key` in the texts of `error` and of every error behind it."""
    if len(key) < SHORTEST:
        return
    for one in _behind(error, set()):
        one.args = tuple(_hidden(arg, key) if isinstance(arg, str) else arg for arg in one.args)


def _behind(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    yield from _behind(error.__cause__, seen)
    yield from _behind(error.__context__, seen)


def _hidden(text: str, key: str) -> str:
    """Return `text` without the key, and without the beginning of one that a cut left."""
    text = text.replace(key, HIDDEN)
    for length in range(len(key) - 1, LEAST - 1, -1):
        text = text.replace(f"{key[:length]}...", f"{HIDDEN}...")
    return text
