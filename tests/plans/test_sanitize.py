import pytest

from pipeline.plans.sanitize import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\nsecond", "plain\ttext\nsecond"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("bell\x07 null\x00 back\x08", "bell null back"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("pay\u200bpal\u2060\ufeff\u00ad", "paypal"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("pick\ufe0f\U000e0100", "pick"),
        ("\u3164filler\u2800", "filler"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("half\ud800", "half"),
        ("Grüße 日本 🎉 <!-- hidden -->", "Grüße 日本 🎉 <!-- hidden -->"),
    ],
)
def test_what_cannot_be_seen_is_gone_and_the_rest_stays(text, shown):
    assert clean(text) == shown


def test_one_line_has_no_line_ends():
    assert clean(" a\n\n  b\tc \r\n", one_line=True) == "a b c"


def test_what_is_clean_stays_as_it_is():
    text = "x = [1]\n\tif x: print('y')\n"
    assert clean(clean(text)) == clean(text) == text
