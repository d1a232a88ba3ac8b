"""Text that others wrote, fenced so that an agent can tell it from what the pipeline says.

    <data-3f2a9c41d0be kind="issue" author_trust="none">
    ...
    </data-3f2a9c41d0be>

The nonce is not known to the author, and anything in the text that looks like such a tag is
written differently.
"""

import hashlib
import re

from pipeline.plans.sanitize import clean

NONCE_CHARS = 12
_TAG = re.compile(r"<(\s*/?\s*)(?=data-)", re.IGNORECASE)


def nonce_for(*parts: str) -> str:
    """Return the nonce of a request: the same for the same run and request, after a resume too."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:NONCE_CHARS]


def fenced(text: str, *, nonce: str, kind: str, author_trust: str | None = None) -> str:
    """Return `text` cleaned and fenced; it cannot close its fence.

    `kind` and `author_trust` are words of ours, never of the author.
    """
    body = _TAG.sub(r"&lt;\1", clean(text)).replace(nonce, "-" * len(nonce)).strip("\n")
    trust = f' author_trust="{author_trust}"' if author_trust else ""
    return f'<data-{nonce} kind="{kind}"{trust}>\n{body}\n</data-{nonce}>'
