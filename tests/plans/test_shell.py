"""Scripts as bash reads them: words, quoting, where commands hide."""

import subprocess
import sys

import pytest

from pipeline.plans.shell import Word, parse

ROWS: list[tuple[str, list[list[str]]]] = [
    ("", []),
    ("# rm -rf /", []),
    ("ls", [["ls"]]),
    ("ls -l a b", [["ls", "-l", "a", "b"]]),
    ("r''m -rf /", [["rm", "-rf", "/"]]),
    ('r""m x', [["rm", "x"]]),
    ('"rm" x', [["rm", "x"]]),
    ("'rm' x", [["rm", "x"]]),
    ("\\rm x", [["rm", "x"]]),
    ("r\\m x", [["rm", "x"]]),
    ("$'rm' x", [["rm", "x"]]),
    ("$'r\\x6d' x", [["rm", "x"]]),
    ("$'r\\155' x", [["rm", "x"]]),
    ("r\\\nm x", [["rm", "x"]]),
    ("/bin/rm x", [["/bin/rm", "x"]]),
    ("echo a\\ b", [["echo", "a b"]]),
    ("echo 'a b'\"c d\"e", [["echo", "a bc de"]]),
    ('echo "a\\"b"', [["echo", 'a"b']]),
    ('echo "a\\nb"', [["echo", "a\\nb"]]),
    ("echo $'a\\nb'", [["echo", "a\nb"]]),
    ("echo 'rm -rf /'", [["echo", "rm -rf /"]]),
    ('echo "a;b|c&&d"', [["echo", "a;b|c&&d"]]),
    ("echo a#b # rm x", [["echo", "a#b"]]),
    ("echo '#' x", [["echo", "#", "x"]]),
    ("echo ''", [["echo", ""]]),
    ("echo {} a{b}c", [["echo", "{}", "a{b}c"]]),
    ("a; b", [["a"], ["b"]]),
    ("a && b || c", [["a"], ["b"], ["c"]]),
    ("a & b", [["a"], ["b"]]),
    ("a | b |& c", [["a"], ["b"], ["c"]]),
    ("a\nb\n", [["a"], ["b"]]),
    ("a \\\n  b", [["a", "b"]]),
    ("! a", [["a"]]),
    ("(a; b)", [["a"], ["b"]]),
    ("{ a; b; }", [["a"], ["b"]]),
    ("if a; then b; elif c; then d; else e; fi", [["a"], ["b"], ["c"], ["d"], ["e"]]),
    ("while a; do b; done", [["a"], ["b"]]),
    ("until a; do b; done", [["a"], ["b"]]),
    ("for x in $(a) b; do c; done", [["a"], ["c"]]),
    ("for ((i=0; i<3; i++)); do a; done", [[], ["a"]]),
    ("case $x in a) b;; *) c;; esac", [["b"], ["c"]]),
    ("[ -f a ] && b", [["b"]]),
    ("[[ -f a && -n $(c) ]] && b", [["c"], ["b"]]),
    ("(( x = $(a) ))", [["a"]]),
    ("f() { a; }; f", [["a"], ["f"]]),
    ("function f { a; }", [["a"]]),
    ("echo $(a b)", [["a", "b"], ["echo", "$(a b)"]]),
    ("echo `a b`", [["a", "b"], ["echo", "`a b`"]]),
    ('echo "x $(a) y"', [["a"], ["echo", '"x $(a) y"']]),
    ("echo '$(a)'", [["echo", "$(a)"]]),
    ("echo ${x:-$(a)}", [["a"], ["echo", "${x:-$(a)}"]]),
    ("echo $((1 + $(a)))", [["a"], ["echo", "$((1 + $(a)))"]]),
    ("diff <(a) >(b)", [["a"], ["b"], ["diff", "<(a)", ">(b)"]]),
    ("x=$(a)", [["a"], []]),
    ("x=(a $(b))", [["b"], []]),
    ("export X=$(a)", [["a"], ["export", "X=$(a)"]]),
    ("A=1 b c", [["b", "c"]]),
    ("cat <<E\n$(a)\nE\n", [["a"], ["cat"]]),
    ("cat <<'E'\n$(a)\nE\n", [["cat"]]),
    ("cat <<E\nx\n  $(a) y\n\t$(b)\nE\n", [["a"], ["b"], ["cat"]]),
    ("cat <<-E\n\t$(a)\n\tE\n", [["a"], ["cat"]]),
    ("cat <<-'E'\n\t$(a)\n\tE\n", [["cat"]]),
    ("cat <<E | b\nx\nE\n", [["cat"], ["b"]]),
    ("cat <<E && b c\nx\nE\n", [["cat"], ["b", "c"]]),
    ("cat <<E a\nx\nE\n", [["cat", "a"]]),
    ("cat <<< $(a)", [["a"], ["cat"]]),
    ("> x a b", [["a", "b"]]),
    ("a > x b", [["a", "b"]]),
    ("bash -c 'a; b'", [["bash", "-c", "a; b"], ["a"], ["b"]]),
    ("sh -ec 'a' x", [["sh", "-ec", "a", "x"], ["a"]]),
    ("sh -c \"sh -c 'a b'\"", [["sh", "-c", "sh -c 'a b'"], ["sh", "-c", "a b"], ["a", "b"]]),
    ("eval 'a b'", [["eval", "a b"], ["a", "b"]]),
    ("eval a '; b'", [["eval", "a", "; b"], ["a"], ["b"]]),
    ("sh <<'E'\na b\nE\n", [["sh"], ["a", "b"]]),
    ("bash <<< 'a b'", [["bash"], ["a", "b"]]),
    ("echo 'a b' | sh", [["echo", "a b"], ["sh"], ["a", "b"]]),
    ("printf 'a\\nb' | sh", [["printf", "a\\nb"], ["sh"], ["a"], ["b"]]),
    ("find . -exec a {} \\;", [["find", ".", "-exec", "a", "{}", ";"], ["a", "{}"]]),
    ("bash x.sh", [["bash", "x.sh"]]),
]


@pytest.mark.parametrize(("script", "words"), ROWS)
def test_the_simple_commands_of_a_script(script: str, words: list[list[str]]) -> None:
    read = parse(script)
    assert [[word.text for word in one.words] for one in read.commands] == words
    assert read.problem is None


@pytest.mark.parametrize(
    ("script", "wrappers", "program", "arguments"),
    [
        ("sudo rm x", ("sudo",), "rm", ["x"]),
        ("sudo -u me -n rm x", ("sudo",), "rm", ["x"]),
        ("sudo A=1 rm x", ("sudo",), "rm", ["x"]),
        ("env -i A=1 B=2 rm x", ("env",), "rm", ["x"]),
        ("env -u A rm x", ("env",), "rm", ["x"]),
        ("/usr/bin/env rm x", ("env",), "rm", ["x"]),
        ("nohup rm x &", ("nohup",), "rm", ["x"]),
        ("time -p rm x", ("time",), "rm", ["x"]),
        ("timeout -k 5 10s rm x", ("timeout",), "rm", ["x"]),
        ("xargs -n 1 -I {} rm {}", ("xargs",), "rm", ["{}"]),
        ("command rm x", ("command",), "rm", ["x"]),
        ("exec rm x", ("exec",), "rm", ["x"]),
        ("nice -n 5 timeout 3 env A=1 rm x", ("nice", "timeout", "env"), "rm", ["x"]),
        ("command -v rm", (), "command", ["-v", "rm"]),
        ("env", (), "env", []),
        ("sudo -- rm x", ("sudo",), "rm", ["x"]),
        ("timeout 5 $x", ("timeout",), None, []),
        ("time { rm x\n", ("time", "{"), "rm", ["x"]),
        ("time ! rm x", ("time", "!"), "rm", ["x"]),
    ],
)
def test_wrappers_are_looked_through(
    script: str, wrappers: tuple[str, ...], program: str | None, arguments: list[str]
) -> None:
    command = parse(script).commands[-1]
    assert (command.wrappers, command.program) == (wrappers, program)
    assert [word.text for word in command.arguments] == arguments
    assert command.words[0].text == script.split()[0]


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("x a", Word("a")),
        ("x $a", Word("$a", literal=False)),
        ('x "$a b"', Word('"$a b"', literal=False)),
        ("x '$a'", Word("$a")),
        ('x "\\$a"', Word("$a")),
        ("x \\$a", Word("$a")),
        ("x *.py", Word("*.py", bare=True)),
        ("x '*'", Word("*")),
        ("x \\*", Word("*")),
        ("x ~/a", Word("~/a", bare=True)),
        ("x '~'", Word("~")),
        ("x a~", Word("a~")),
        ("x {a,b}", Word("{a,b}", literal=False)),
        ("x {1..3}", Word("{1..3}", literal=False)),
        ("x '{a,b}'", Word("{a,b}")),
    ],
)
def test_a_word_knows_whether_bash_puts_something_in(script: str, word: Word) -> None:
    assert parse(script).commands[-1].words[1] == word


@pytest.mark.parametrize(
    ("script", "redirects"),
    [
        ("a > b", [("", ">", "b")]),
        ("a >> b 2>&1", [("", ">>", "b"), ("2", ">&", "1")]),
        ("a < b", [("", "<", "b")]),
        ("a &> b", [("", "&>", "b")]),
        ("a 2>/dev/null", [("2", ">", "/dev/null")]),
        ("a >| b", [("", ">|", "b")]),
        ("a | b > c", [("", ">", "c")]),
        ("a && b > c", [("", ">", "c")]),
        ("{ a; } > c", [("", ">", "c")]),
        ("if a; then b; fi > c", [("", ">", "c")]),
        ("f() { a; } > c", [("", ">", "c")]),
        ("> c", [("", ">", "c")]),
        ("a <<E\nx $y\nE\n", [("", "<<", "x $y\n")]),
    ],
)
def test_redirections_belong_to_the_last_command(
    script: str, redirects: list[tuple[str, str, str]]
) -> None:
    found = parse(script).commands[-1].redirects
    assert [(one.descriptor, one.operator, one.target.text) for one in found] == redirects


@pytest.mark.parametrize("script", ["a > b", "a &> b", "a >> b", "a >& b", "a >| b"])
def test_a_redirection_into_a_file_is_written(script: str) -> None:
    (redirect,) = parse(script).commands[0].redirects
    assert redirect.written == Word("b")


@pytest.mark.parametrize("script", ["a < b", "a 2>&1", "a >&2", "a <<E\nb\nE\n", "a <<< b"])
def test_a_redirection_of_a_stream_writes_no_file(script: str) -> None:
    assert parse(script).commands[0].redirects[0].written is None


@pytest.mark.parametrize(
    "script",
    [
        *("$x y", "$(echo rm) y", "`a` y", "env $x", "/bin/r?", "a | sh", "sh < x | sh"),
        *('bash -c "$x"', 'eval "$x"', "bash <(a)", "source <(a)", "sh <<E\n$x\nE\n"),
    ],
)
def test_what_runs_is_computed(script: str) -> None:
    assert any(command.computed for command in parse(script).commands)


@pytest.mark.parametrize("script", ["x $y", "bash -c 'a'", "a | b", "cat x | bash y.sh", "sh x"])
def test_what_runs_can_be_read(script: str) -> None:
    assert not any(command.computed for command in parse(script).commands)


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("a &&", 1),
        ('a\necho "x', 2),
        ("a\nb\nif c; then", 3),
        ("a )", 1),
        ("a; ; b", 1),
        ("\n\nbash -c '\na )'", 4),
    ],
)
def test_what_is_no_bash_is_told_with_its_line(script: str, line: int) -> None:
    read = parse(script)
    assert (read.line, f"line {line} is not valid bash" in str(read.problem)) == (line, True)


@pytest.mark.parametrize(
    "script", ["$(" * 5_000, "(" * 5_000, "a\0b", "x" * 200_000, "\ud800", "`" * 999, '"' * 9_999]
)
def test_nothing_makes_parsing_fail(script: str) -> None:
    assert parse(script).problem is not None or script == "\ud800"


def test_what_the_grammar_overlooks_is_told() -> None:
    assert "'`' in a heredoc" in str(parse("a\ncat <<E\nx `b`\nE\n").problem)


def test_commands_are_equal_when_they_say_the_same() -> None:
    first, second = parse("a 'b c' > d").commands[0], parse("\n(a b\\ c >d)").commands[0]
    assert first == second
    for other in ("a 'b c' >> d", "a 'b c'", "X=1 a 'b c' > d", "sudo a 'b c' > d", "a b c > d"):
        assert parse(other).commands[0] != first


def test_the_parser_is_loaded_when_something_is_parsed() -> None:
    code = "import sys, pipeline.plans.shell as s; before = 'tree_sitter' in sys.modules; "
    code += "s.parse('ls'); print(before, 'tree_sitter' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["False", "True"]
