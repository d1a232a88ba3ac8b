"""Retry policies that never wait for real."""

from collections.abc import Callable
from datetime import UTC, datetime

from pipeline.agents.providers.retry import RetryPolicy

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def one_try() -> RetryPolicy:
    return tries(0)


def tries(retries: int, sleep: Callable[[float], None] = lambda _: None) -> RetryPolicy:
    return RetryPolicy(retries=retries, sleep=sleep, now=lambda: NOW)
