"""Usage says what a vendor would bill: fresh, read from the cache, written to it."""

from pipeline.rehearsal.caching import Mark, PromptCache
from pipeline.rehearsal.script import ReplySpec, Script
from tests.rehearsal.clients import said

TALKS = Script.from_function(lambda view: ReplySpec(text="so"))
BIG = "a frozen head. " * 500
AN_HOUR = {"type": "ephemeral", "ttl": "1h"}


def head(text: str = BIG) -> list[dict]:
    return [{"type": "text", "text": text, "cache_control": AN_HOUR}]


def developer(text: str = BIG) -> dict:
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    return {"role": "developer", "content": [{"type": "input_text", "text": text, **mark}]}


def test_anthropic_reads_the_second_time_what_it_wrote_the_first(start) -> None:
    _, claude, _ = start(TALKS)
    first = claude.ask([said()], system=head()).usage
    second = claude.ask([said("another")], system=head()).usage
    assert first.cache_creation.ephemeral_1h_input_tokens > 1800
    assert first.cache_read_input_tokens == 0
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.cache_creation_input_tokens == 0
    assert 0 < second.input_tokens < 30


def test_the_same_tokens_are_counted_once(start) -> None:
    _, claude, _ = start(TALKS)
    bare = claude.ask([said()], system=[{"type": "text", "text": BIG}]).usage
    marked = claude.ask([said()], system=head()).usage
    assert bare.input_tokens == marked.input_tokens + marked.cache_creation_input_tokens


def test_nothing_is_cached_without_a_mark_or_below_the_least_size(start) -> None:
    _, claude, _ = start(TALKS)
    for system in ([{"type": "text", "text": BIG}], head("short")):
        usage = [claude.ask([said()], system=system).usage for _ in range(2)][-1]
        assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (0, 0)


def test_a_changed_head_and_another_model_read_nothing(start) -> None:
    _, claude, _ = start(TALKS)
    claude.ask([said()], system=head())
    assert claude.ask([said()], system=head("x" + BIG)).usage.cache_read_input_tokens == 0
    other = claude.ask([said()], system=head(), model="claude-sonnet-5-5")
    assert other.usage.cache_read_input_tokens == 0


def test_changed_thinking_costs_the_messages_and_not_the_head(start) -> None:
    _, claude, _ = start(TALKS)
    automatic = {"cache_control": {"type": "ephemeral"}}
    first = claude.ask([said(BIG)], system=head(), **automatic).usage
    other = claude.ask([said(BIG)], system=head(), thinking=None, **automatic).usage
    assert other.cache_read_input_tokens == first.cache_creation.ephemeral_1h_input_tokens


def test_a_mark_looks_back_twenty_blocks_only() -> None:
    cache = PromptCache()
    blocks = [b"block" * 100] * 30

    def read(count: int) -> int:
        marks = [Mark(count - 1, "5m")]
        counted = cache.account(blocks[:count], marks=marks, scope="", smallest=0, lookback=20)
        return counted.read

    assert read(5) == 0
    assert read(25) > 0
    cache = PromptCache()
    read(5)
    assert read(26) == 0


def test_openai_reads_at_explicit_breakpoints_only(start) -> None:
    _, _, gpt = start(TALKS)
    first = gpt.ask([developer(), said("a")]).usage
    second = gpt.ask([developer(), said("b")]).usage
    assert first.input_tokens_details.cache_write_tokens == first.input_tokens
    assert 0 < second.input_tokens_details.cached_tokens < second.input_tokens
    unmarked = [{"role": "developer", "content": BIG + "!"}]
    gpt.ask([*unmarked, said("a")])
    assert gpt.ask([*unmarked, said("b")]).usage.input_tokens_details.cached_tokens == 0


def test_another_cache_key_reads_nothing(start) -> None:
    _, _, gpt = start(TALKS)
    gpt.ask([developer(), said()], prompt_cache_key="planner")
    other = gpt.ask([developer(), said()], prompt_cache_key="executor")
    assert other.usage.input_tokens_details.cached_tokens == 0
