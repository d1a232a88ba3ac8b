"""What secrets look like: keys, tokens and passwords that are known by their form alone.

Most forms are those of detect-secrets (Apache-2.0), of the detectors whose match is a secret and
nothing else; detectors by entropy or by a variable's name are left out: they garble code. Each
form here takes time in proportion to the text: texts may come from whoever wants to keep us busy.
"""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

HIDDEN = "[a secret was here]"
"""What stands where a secret stood; no form matches it."""

DETECTORS = {
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "twilio": "TwilioKeyDetector",
}
"""Modules of `detect_secrets.plugins` that are used -> their detector."""
IN_A_GROUP = frozenset({"aws", "basic_auth"})
"""Detectors whose secret is the group of the match, where there is one."""

OWN = (
    r"sk-(?<!\wsk-)ant-[A-Za-z0-9_-]{16,}",
    r"sk-(?<!\wsk-)(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}",
    r"sk-(?<!\wsk-)[A-Za-z0-9]{32,}",
    r"sk-(?<!\wsk-)[A-Za-z0-9_-]{0,60}T3BlbkFJ[A-Za-z0-9]{20}",
    r"github_pat_(?<!\wgithub_pat_)[A-Za-z0-9_]{40,}",
    r"npm_(?<!\wnpm_)[A-Za-z0-9]{36}\b",
    r"AIza(?<!\wAIza)[0-9A-Za-z_-]{35}",
    r"hf_(?<!\whf_)[A-Za-z0-9]{34}\b",
    r"eyJ(?<![\w=-]eyJ)[\w=-]{10,}\.eyJ[\w=-]{4,}(?:\.[\w=-]*)?",  # a JSON Web Token
    r"(?i)aws_secret_access_key['\"]?\s{0,8}[=:]\s{0,8}['\"]?([0-9a-zA-Z/+]{40})(?![0-9a-zA-Z/+])",
)
"""Forms that detect-secrets lacks, or for which it takes quadratic time.

Each begins with letters, and what may not stand before it comes after them: `re` looks for letters
many times faster than for a boundary of words.
"""

PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:(?!-----).){1,20000}-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:(?:\s|\d{1,6}\t|\\n){1,40}[A-Za-z0-9+/=]{16,})*)",
    re.DOTALL,
)
"""To its end, or as far as its lines go, numbered ones too: what is shown may be cut off."""
A_TEMPLATE = re.compile(r"[{}<>%]")
"""In a password of a URL: the code or the text says what is to be put there."""

SHORT, REMEMBERED = 64, 1024
"""Characters of a text of which is remembered what it came to, and how many are: names of tools,
ids and paths go by again and again."""


Search = Callable[[str], "re.Match[str] | None"]


@dataclass(frozen=True)
class Form:
    """One form; `group` is what of a match is the secret."""

    pattern: re.Pattern[str]
    group: int

    def __call__(self, text: str) -> str:
        """Return `text` without what has this form."""
        return self.pattern.sub(self._hidden, text)

    def _hidden(self, found: re.Match[str]) -> str:
        secret = found.group(self.group)
        if self.group and A_TEMPLATE.search(secret):
            return found.group()
        start, end = (at - found.start() for at in found.span(self.group))
        whole = found.group()
        return f"{whole[:start]}{HIDDEN}{whole[end:]}"


def without_forms(text: str) -> str:
    """Return `text` with what looks like a secret taken out."""
    return _once(text) if len(text) <= SHORT else _without(text)


def _without(text: str) -> str:
    text = without_private_keys(text)
    for search, form in _forms():
        if search(text):
            text = form(text)
    return text


_once = lru_cache(REMEMBERED)(_without)


def without_private_keys(text: str) -> str:
    """Return `text` without private keys; its lines keep their numbers."""
    if "PRIVATE KEY" not in text:
        return text
    return PRIVATE_KEY.sub(lambda found: HIDDEN + "\n" * found.group().count("\n"), text)


@cache
def _forms() -> tuple[tuple[Search, Form], ...]:
    """Return all forms, each with what looks for it, as most texts have none.

    The library is imported when the first text is looked at.
    """
    found = [Form(pattern, pattern.groups) for pattern in map(re.compile, OWN)]
    for module, name in DETECTORS.items():
        detector = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)
        for regex in detector.denylist:
            found.append(Form(regex, min(1, regex.groups) if module in IN_A_GROUP else 0))
    return tuple((form.pattern.search, form) for form in found)
