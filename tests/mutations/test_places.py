"""What `python -m tests.mutations` takes out is there, and somebody is named who should notice."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.mutations.mutation import Mutation
from tests.mutations.places import MUTATIONS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("one", MUTATIONS, ids=lambda one: one.gone)
def test_it_is_there_once_and_without_it_the_file_is_still_python(one: Mutation) -> None:
    """Where the code has changed: say in `places.py` what stands there now."""
    mutated = one.mutated(ROOT)
    assert mutated != one.source(ROOT)
    ast.parse(mutated)


@pytest.mark.parametrize("test", sorted({test for one in MUTATIONS for test in one.tests}))
def test_who_should_notice_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert (ROOT / file).exists()
    assert not name or f"def {name}(" in (ROOT / file).read_text()


def test_there_are_enough_of_every_kind() -> None:
    assert len({one.gone for one in MUTATIONS}) == len(MUTATIONS) >= 40
    assert Counter(one.kind for one in MUTATIONS).keys() == {
        *("sync", "order", "lock", "nonce", "check")
    }
