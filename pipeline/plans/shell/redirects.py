"""Redirections out of the parser's tree, heredocs included."""

from pipeline.plans.shell.nouns import Redirect, Word
from pipeline.plans.shell.words import Node, source_of, word_of

REDIRECTS = ("file_redirect", "heredoc_redirect", "herestring_redirect")
ARGUMENTS = ("word", "string", "raw_string", "ansi_c_string", "concatenation", "number")


def redirect_of(node: Node, source: bytes) -> tuple[Redirect, list[Word]]:
    """Return a redirection, and the words after its target: they belong to the command."""
    descriptor, operator = "", ""
    words: list[Word] = []
    if node.type == "heredoc_redirect":
        return _heredoc(node, source)
    for child in node.children:
        if child.type == "file_descriptor":
            descriptor = source_of(child, source)
        elif child.is_named and child.type != "ERROR":
            words.append(word_of(child, source))
        elif not operator:
            operator = child.type
    target = words[0] if words else Word("-" if operator.endswith("-") else "")
    return Redirect(operator.rstrip("-"), target, descriptor), words[1:]


def _heredoc(node: Node, source: bytes) -> tuple[Redirect, list[Word]]:
    start, body, descriptor = "", None, ""
    dashed = any(child.type == "<<-" for child in node.children)
    words: list[Word] = []
    for child in node.children:
        if child.type == "heredoc_start":
            start = source_of(child, source)
        elif child.type == "heredoc_body":
            body = child
        elif child.type == "file_descriptor":
            descriptor = source_of(child, source)
        elif child.type in ARGUMENTS:
            words.append(word_of(child, source))
    text = source_of(body, source) if body is not None else ""
    if dashed:
        text = "\n".join(line.lstrip("\t") for line in text.split("\n"))
    quoted = any(sign in start for sign in "'\"\\")
    literal = quoted or ("$" not in text.replace("\\$", "") and "`" not in text)
    return Redirect("<<", Word(text, literal=literal), descriptor), words
