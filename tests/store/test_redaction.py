"""Secrets are found by value and by form; what only looks a little like one is left alone."""

import time

import pytest

from pipeline.store.redaction import HIDDEN, Redaction, secret_values

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
BODY = "MIIEowIBAAKCAQEAu5sJ0example0example0example0example"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
        ("token: ghp_" + "a1" * 18, "ghp_"),
        ("github_pat_" + "a1" * 30, "github_pat_"),
        ("glpat-" + "a1" * 10, "glpat-"),
        ("xoxb-123456-123456-abcdef", "abcdef"),
        ("sk_live_" + "a1" * 12, "sk_live_"),
        (f"Authorization: Bearer {JWT}", JWT),
        ("postgres://app:hunter42x@db.example/x", "hunter42x"),
        ('key = "sk-ant-api03-' + "a1" * 20 + '"', "sk-ant"),
        ("sk-proj-" + "a1" * 20, "sk-proj"),
        ("sk-" + "a1" * 24, "sk-a1"),
        ("npm_" + "a1" * 18, "npm_"),
        (PEM, BODY),
        (PEM.replace("\n", "\\n"), BODY),
        (PEM[:70], BODY[:20]),
        (f"     1\t-----BEGIN RSA PRIVATE KEY-----\n     2\t{BODY}\n", BODY),
    ],
)
def test_what_has_the_form_of_a_secret_is_hidden(text: str, secret: str) -> None:
    redact = Redaction()
    shown = redact(text)
    assert secret not in shown
    assert HIDDEN in shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "password = 'secret'",
        'f"postgres://{user}:{password}@{host}/x"',
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "risk-assessment-of-everything-that-may-happen",
        "https://example.org:8080/@someone",
        "if '-----BEGIN PRIVATE KEY-----' in text:\n    raise Found(text)\n",
        HIDDEN,
    ],
)
def test_code_and_digests_stay_as_they_are(text: str) -> None:
    assert Redaction()(text).replace(HIDDEN, "-----BEGIN PRIVATE KEY-----") == text.replace(
        HIDDEN, "-----BEGIN PRIVATE KEY-----"
    )


def test_lines_keep_their_numbers() -> None:
    text = f"one\n{PEM}\nlast"
    assert Redaction()(text).splitlines()[-1] == "last"
    assert Redaction()(text).count("\n") == text.count("\n")


def test_values_are_hidden_as_json_and_urls_write_them_too() -> None:
    redact = Redaction(['pa"ss/wor\nd-Zr4f'])
    assert redact('it is pa"ss/wor\nd-Zr4f') == f"it is {HIDDEN}"
    assert redact('{"x": "pa\\"ss/wor\\nd-Zr4f"}') == f'{{"x": "{HIDDEN}"}}'
    assert redact("?x=pa%22ss%2Fwor%0Ad-Zr4f&y") == f"?x={HIDDEN}&y"


def test_variables_are_secret_by_name_unless_the_user_says_otherwise() -> None:
    environ = {
        "ANTHROPIC_API_KEY": "vendors-key",
        "DEPLOY_TOKEN": "tok-12345",
        "db_password": "Tr0ub4dor",
        "DB_PASSWORD": "postgres",
        "PATH": "/usr/bin",
        "MY_OWN": "mine-1234",
        "SHOWN_TOKEN": "may-be-seen-1",
    }
    found = secret_values(environ, also=["MY_OWN"], known=["SHOWN_TOKEN", "ANTHROPIC_API_KEY"])
    assert found == ["vendors-key", "tok-12345", "Tr0ub4dor", "mine-1234"]


@pytest.mark.parametrize(
    "piece",
    [
        *("x", "aws ", "://a:", "eyJa", "eyJa.eyJa", "-----BEGIN PRIVATE KEY-----", "sk-"),
        *("aws_secret_access_key", "sk-ant-", "-----BEGIN PRIVATE KEY-----\n", "glagent-"),
        *("xoxb-1-", "A3T"),
    ],
)
def test_no_text_keeps_it_busy(piece: str) -> None:
    redact = Redaction(["some-value-1", "another-value-2"])
    redact("the forms are made when the first text is looked at")
    text = piece * (200_000 // len(piece))
    begun = time.process_time()
    redact(text)
    assert time.process_time() - begun < 2.0
