"""Text that others wrote, fenced so that an agent can tell it from what the pipeline says.

    <data-3f2a9c41d0be kind="issue" author_trust="none">
    ...
    </data-3f2a9c41d0be>

The nonce is not known to the author, and anything in the text that looks like such a tag is
written differently. What tools return is fenced too (`shown_as_data`), as exactly as it can be: an
agent edits by it.
"""

import hashlib
import re

from pipeline.plans.sanitize import clean

NONCE_CHARS = 12
_TAG = re.compile(r"<(\s*/?\s*)(?=data-)", re.IGNORECASE)
_LIKE_OURS = re.compile(rf"<(\s*/?\s*)(?=data-[0-9a-f]{{{NONCE_CHARS}}}\b)", re.IGNORECASE)
"""Only what has a nonce's form: `<data-table>` is HTML, and code that somebody may edit."""
_SMUGGLES = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e01ef]")
"""Bidi controls, tags and the second block of variation selectors: text that no person sees."""


def nonce_for(*parts: str) -> str:
    """Return the nonce of a request: the same for the same run and request, after a resume too."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:NONCE_CHARS]


def fenced(text: str, *, nonce: str, kind: str, author_trust: str | None = None) -> str:
    """Return `text` cleaned and fenced; it cannot close its fence.

    `kind` and `author_trust` are words of ours, never of the author.
    """
    body = untagged(clean(text)).replace(nonce, "-" * len(nonce)).strip("\n")
    trust = f' author_trust="{author_trust}"' if author_trust else ""
    return f'<data-{nonce} kind="{kind}"{trust}>\n{body}\n</data-{nonce}>'


def shown_as_data(text: str, *, nonce: str) -> str:
    """Return what a tool came to, fenced; it cannot close its fence.

    Code stays as it is, but what would be read by a model alone is written out: `[U+202E]`.
    """
    body = untagged(_SMUGGLES.sub(_written_out, text), _LIKE_OURS)
    body = body.replace(nonce, "-" * len(nonce))
    return f'<data-{nonce} kind="tool-result">\n{body}\n</data-{nonce}>'


def untagged(text: str, tags: re.Pattern[str] = _TAG) -> str:
    """Return `text` with what looks like a tag of ours written differently."""
    return tags.sub(r"&lt;\1", text)


def _written_out(found: re.Match[str]) -> str:
    return f"[U+{ord(found.group()):04X}]"
