"""How much one turn may take, and how large the parts of a conversation may grow."""

from dataclasses import dataclass

FROZEN_TOKENS = 6_000
"""System prompt and project context together."""
CONTEXT_TOKENS = 3_500
MEMORY_TOKENS = 1_500
"""Folded digests and a person's notes together."""
FOLDED_TOKENS = 1_000
LESSON_TOKENS = 400
"""Of these, for lessons."""
NOTES_TOKENS = 500
LEDGER_TOKENS = 8_000
LEDGER_TOKENS_AFTER_FOLD = 2_000
"""A fold rewrites the cached prefix once, so it makes room for many more turns. With these two a
later fold period costs at most 5 % more than the first one (bench/agents)."""

SUMMARY_TOKENS = 16_000
"""What a summary of a turn that grew too long may have at most, thinking included."""
SUMMARY_SILENCE_S = 300.0
"""How long a vendor's summary may keep silent at least: OpenAI's comes in one piece."""

BYTES_PER_TOKEN = 4
"""A rough rule that holds for English and code; the vendors' own counts are what is settled."""


def tokens(text: str | bytes) -> int:
    """Return about how many tokens `text` is: its UTF-8 bytes divided by four, rounded up."""
    if isinstance(text, str) and not text.isascii():
        text = text.encode("utf-8", "surrogatepass")
    return -(-len(text) // BYTES_PER_TOKEN)


def cut(text: str, most_tokens: int) -> str:
    """Return the head of `text` that fits, with a note when something is left out."""
    content = text.encode("utf-8", "surrogatepass")
    most = most_tokens * BYTES_PER_TOKEN
    if len(content) <= most:
        return text
    head = content[:most].decode("utf-8", "ignore")
    return f"{head}\n[... {len(content) - most} bytes left out]"


@dataclass(frozen=True)
class TurnLimits:
    """The limits of one turn."""

    calls: int = 60
    """Model calls."""
    answer_errors: int = 3
    """How often a wrong or missing answer goes back to the agent."""
    repair_rounds: int = 3
    """How often an answer that the verification contradicts goes back to the agent."""
    silence_s: float = 120.0
    """Longest time without one byte from the vendor."""
    max_output_tokens: int = 64_000
    """What one call may write; the purse may lower it."""
    compact_tokens: int = 150_000
    """The size of a request from which on the turn is summed up first."""
