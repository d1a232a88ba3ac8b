"""Secrets are taken out of every text on its way to a model, a file or a terminal.

by value    what variables of the environment hold whose names say that it is a secret
by form     what looks like a key, a token or a password: `secret_forms.py`

One object for each process, made where the settings are known; without any, the forms hold.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from urllib.parse import quote

from pydantic import JsonValue

from pipeline.store.secret_forms import HIDDEN, without_forms

__all__ = ["HIDDEN", "Redact", "Redaction", "secret_values"]

Redact = Callable[[str], str]
"""Returns a text without the secrets in it."""

VENDOR_KEYS = frozenset(
    {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY", "OPENAI_CHAT_API_KEY"}
)
SECRET_NAMES = (
    *("API_KEY", "APIKEY", "ACCESS_KEY", "SECRET_KEY", "PRIVATE_KEY", "ENCRYPTION_KEY"),
    *("TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIALS", "WEBHOOK_URL"),
    "DATABASE_URL",
)
"""How names of variables end whose values are secrets."""
SHORTEST = 8
"""Anything shorter is no secret worth the name, and taking it out would only garble the text."""
SHORTEST_WORD = 16
"""One word of letters alone is taken for a word up to here: `DB_PASSWORD=postgres`."""
SHORTEST_LINE = 20
"""Lines of a longer value are secrets of their own: a private key is often seen in pieces."""


class Redaction:
    """Takes secrets out of texts: the given values, and whatever looks like one."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        pieces = {piece for value in values for piece in _pieces(value)}
        self._pieces = sorted(pieces, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` without secrets; what has none comes back as it is."""
        return without_forms(self.by_value(text))

    def by_value(self, text: str) -> str:
        """Return `text` without the values alone."""
        for piece in self._pieces:
            if piece in text:
                text = text.replace(piece, HIDDEN)
        return text

    def deep(self, value: JsonValue) -> JsonValue:
        """Return a JSON value with all of its texts redacted, those inside of it too."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.deep(one) for one in value]
        if isinstance(value, dict):
            return {name: self.deep(one) for name, one in value.items()}
        return value


def secret_values(
    environ: Mapping[str, str], *, also: Collection[str] = (), known: Collection[str] = ()
) -> list[str]:
    """Return the values of the environment that are secrets.

    `also` are names of further variables that hold one; `known` are names of variables whose
    values may be seen, which holds for no vendor's key.
    """
    named = VENDOR_KEYS | set(also)
    return [
        value
        for name, value in environ.items()
        if name in named or (name not in known and _says_secret(name) and _is_no_word(value))
    ]


def _says_secret(name: str) -> bool:
    upper = name.upper()
    return any(upper == word or upper.endswith(f"_{word}") for word in SECRET_NAMES)


def _is_no_word(value: str) -> bool:
    """Tell whether a value can be a secret: taking a plain word or number out garbles texts."""
    return not (value.isalpha() and len(value) < SHORTEST_WORD) and not value.isdigit()


def _pieces(value: str) -> Iterator[str]:
    """Yield what to look for: the value, as JSON and URLs write it too, and its longer lines."""
    value = value.strip()
    if len(value) < SHORTEST:
        return
    yield value
    yield json.dumps(value)[1:-1]
    yield quote(value, safe="")
    if "\n" in value:
        lines = (line.strip() for line in value.splitlines())
        yield from (line for line in lines if len(line) >= SHORTEST_LINE and " " not in line)
