import pytest

from pipeline.phases.waiting import in_words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 s"),
        (60, "60 s"),
        (61, "61 s"),
        (90, "90 s"),
        (120, "2 min"),
        (3600, "60 min"),
        (5400, "90 min"),
        (8 * 3600, "8 h"),
        (86_400, "24 h"),
    ],
)
def test_a_duration_is_said_as_a_person_says_it(seconds: int, said: str) -> None:
    assert in_words(seconds) == said
