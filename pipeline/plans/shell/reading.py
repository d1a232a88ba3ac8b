"""A script's text into its simple commands, by tree-sitter's grammar of bash.

Followed wherever bash would run something: pipelines, lists, blocks, substitutions (those in
heredocs too), functions, and literal scripts that are handed to a shell (`bash -c '..'`, `eval`,
`sh <<'EOF'`, `find -exec`). `[ .. ]` and `(( .. ))` run no program and are no commands here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from pipeline.plans.shell.inner import inner_script, runs_computed_text
from pipeline.plans.shell.nouns import Command, Redirect, Script, Word
from pipeline.plans.shell.redirects import REDIRECTS, redirect_of
from pipeline.plans.shell.words import Node, source_of, word_of
from pipeline.plans.shell.wrappers import look_through, program_name

MOST_BYTES = 20_000
"""A longer script is not read: nobody reviews it either, and the time goes with its square."""
NO_BLANKS = ("\r", "\v", "\f")
"""The grammar takes them for white space, bash for letters: `run.sh\\r` is another file."""
MOST_NESTED = 150
"""So deep the tree of a script may be; Python's own stack ends at some 1,000 calls."""
MOST_SCRIPTS = 4
"""So many literal scripts may stand one in the other (`bash -c "bash -c '..'"`)."""


@lru_cache(maxsize=512)
def parse(script: str) -> Script:
    """Read a script for `bash -c`; never raises, `problem` says what could not be read."""
    return _read(script, Place())


@dataclass(frozen=True)
class Place:
    """Where in everything that runs a part of a script stands."""

    fed_by: tuple[Command, ...] = ()
    function: str | None = None
    redirects: tuple[Redirect, ...] = ()
    """Those of the pipeline or list that ends here."""
    extra: tuple[Word, ...] = ()
    """Words that stand after those redirections and belong to the command before them."""
    depth: int = 0
    scripts: int = 0
    lines: int = 0
    """So many lines come before the script."""


class _TooDeep(Exception):
    """Raised inside this file when a script is nested deeper than is followed."""


def _read(script: str, place: Place) -> Script:
    source = script.encode("utf-8", "replace")
    if len(source) > MOST_BYTES:
        return Script(script, problem=f"it is longer than {MOST_BYTES} bytes", line=1)
    if "\0" in script:
        return Script(script, problem="it has a NUL character", line=1)
    if odd := next((sign for sign in NO_BLANKS if sign in script), None):
        return Script(script, problem=f"it has the character {odd!r}", line=1)
    root = _parser()(source)
    walk = _Walk(source)
    try:
        commands = tuple(walk.commands(root, place))
    except _TooDeep:
        return Script(script, problem="it is nested too deeply", line=1)
    if (line := _error_line(root)) is not None:
        where = line + place.lines
        return Script(script, commands, problem=f"line {where} is not valid bash", line=where)
    plain = walk.problem is None and _is_sequence(root)
    return Script(script, commands, walk.problem, walk.line, plain)


def _is_sequence(root: Node) -> bool:
    """Tell whether nothing but the commands themselves has an effect on what they do."""
    left = [root]
    while left:
        node = left.pop()
        if node.type not in SEQUENCE:
            return False
        left += node.children
    return True


@cache
def _parser() -> Callable[[bytes], Node]:
    import tree_sitter
    import tree_sitter_bash

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))
    return lambda source: parser.parse(source).root_node


def _error_line(root: Node) -> int | None:
    """Return the line of the first thing in the tree that could not be read, from 1."""
    if not root.has_error:
        return None
    node = root
    while inner := next((one for one in node.children if one.has_error or one.is_missing), None):
        if node.type == "ERROR" or inner.is_missing:
            break
        node = inner
    return node.start_point[0] + 1


class _Walk:
    """Collects the commands of one script."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self.problem: str | None = None
        self.line: int | None = None

    def commands(self, node: Node, place: Place) -> list[Command]:
        """Return the commands in a node, in the order in which bash comes to them."""
        if place.depth > MOST_NESTED:
            raise _TooDeep
        place = replace(place, depth=place.depth + 1)
        if node.type in HANDLERS:
            return HANDLERS[node.type](self, node, place)
        found = self._all(node.children, replace(place, redirects=(), extra=()))
        if place.redirects:
            found.append(self._block_redirects(node, place))
        return found

    def _all(self, nodes: Iterable[Node], place: Place) -> list[Command]:
        return [command for node in nodes for command in self.commands(node, place)]

    def _simple(self, node: Node, place: Place) -> list[Command]:
        """A command with its assignments, words and redirections, and what stands in them."""
        outer = replace(place, redirects=(), extra=())
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        redirects: list[Redirect] = []
        inside: list[Command] = []
        before = 0
        for child in node.children:
            if child.type == "variable_assignment":
                assignments.append(self._assignment(child))
            elif child.type in REDIRECTS:
                redirect, more = redirect_of(child, self._source)
                redirects.append(redirect)
                words += more
            elif child.is_named or child.type in DECLARING or child.type in SIGNS:
                word = word_of(child, self._source)
                goes_on = words and self._goes_on(before, child)
                words = [*words[:-1], words[-1].followed_by(word)] if goes_on else [*words, word]
                before = child.end_byte
            inside += self._all(child.children, outer)
        fed_by = (*place.fed_by, *inside)
        command = Command(
            words=(*words, *place.extra),
            assignments=tuple(assignments),
            redirects=(*redirects, *place.redirects),
            fed_by=fed_by,
            function=place.function,
            line=node.start_point[0] + 1 + place.lines,
        )
        return [*inside, *self._with_inner(command, outer)]

    def _goes_on(self, before: int, node: Node) -> bool:
        """Tell whether only a line break with a backslash parts a node from the word before it.

        bash takes such a break away before it looks for words, the grammar does not.
        """
        gap = self._source[before : node.start_byte]
        return bool(gap) and not gap.replace(b"\\\n", b"")

    def _declaration(self, node: Node, place: Place) -> list[Command]:
        """`export A=b`: its assignments are words like any other."""
        words = tuple(
            word_of(child, self._source)
            if child.type != "variable_assignment"
            else self._assigning_word(child)
            for child in node.children
            if child.is_named or child.type in DECLARING
        )
        outer = replace(place, redirects=(), extra=())
        inside = [one for child in node.children for one in self._all(child.children, outer)]
        command = Command(
            words=(*words, *place.extra),
            redirects=place.redirects,
            fed_by=tuple(inside),
            function=place.function,
            line=node.start_point[0] + 1 + place.lines,
        )
        return [*inside, *self._with_inner(command, place)]

    def _assigning_word(self, node: Node) -> Word:
        name, value = self._assignment(node)
        return Word(f"{name}={value.text}", value.literal, value.bare)

    def _assigning(self, node: Node, place: Place) -> list[Command]:
        """Assignments that belong to no command."""
        nodes = [node] if node.type == "variable_assignment" else list(node.children)
        ours = [one for one in nodes if one.type == "variable_assignment"]
        inside = [
            command
            for one in ours
            for command in self._all(one.children, replace(place, redirects=(), extra=()))
        ]
        line = node.start_point[0] + 1 + place.lines
        return [
            *inside,
            Command(
                assignments=tuple(map(self._assignment, ours)),
                redirects=place.redirects,
                function=place.function,
                line=line,
            ),
        ]

    def _assignment(self, node: Node) -> tuple[str, Word]:
        name = source_of(node.children[0], self._source)
        sign = next((i for i, one in enumerate(node.children) if one.type in ("=", "+=")), None)
        if sign is None or sign + 1 >= len(node.children):
            return name, Word("")
        plus = "+" if node.children[sign].type == "+=" else ""
        return name + plus, word_of(node.children[sign + 1], self._source)

    # redirections

    def _redirected(self, node: Node, place: Place) -> list[Command]:
        """Something with redirections after it; a heredoc may have the rest of its line in it."""
        body = [one for one in node.children if one.type not in REDIRECTS]
        after = [one for one in node.children if one.type in REDIRECTS]
        outer = replace(place, redirects=(), extra=())
        redirects: list[Redirect] = []
        extra: list[Word] = []
        inside: list[Command] = []
        rest: list[Node] = []
        for one in after:
            redirect, more = redirect_of(one, self._source)
            redirects.append(redirect)
            extra += more
            nested = [part for part in one.children if part.type in REDIRECTS]
            for part in nested:
                redirect, more = redirect_of(part, self._source)
                redirects.append(redirect)
                extra += more
            rest += [part for part in one.children if part.type in REST_OF_LINE]
            inside += self._in_redirect(one, outer)
        inner = replace(
            place,
            redirects=(*redirects, *place.redirects),
            extra=(*extra, *place.extra),
            fed_by=(*place.fed_by, *inside),
        )
        if body:
            found = [command for one in body for command in self.commands(one, inner)]
        else:
            found = [Command(redirects=inner.redirects, line=node.start_point[0] + 1 + place.lines)]
        for part in rest:
            feeders = (*outer.fed_by, *found) if part.type == "pipeline" else outer.fed_by
            found += self.commands(part, replace(outer, fed_by=feeders))
        return [*inside, *found]

    def _in_redirect(self, node: Node, place: Place) -> list[Command]:
        """Return the commands in a redirection's target or text.

        The grammar overlooks substitutions that only white space parts from the beginning of a
        heredoc's line: such a text is read once more with a letter before each line.
        """
        parts = [part for part in node.children if part.type not in REST_OF_LINE]
        text = redirect_of(node, self._source)[0].target
        lettered = [f"x{line.lstrip()}" for line in text.text.split("\n")]
        is_lettered = all(line.startswith("x") for line in text.text.rstrip("\n").split("\n"))
        if node.type != "heredoc_redirect" or text.literal:
            return self._all(parts, place)
        if "`" in text.text.replace("\\`", "") and self.problem is None:
            self.line = place.lines + node.start_point[0] + 1
            self.problem = f"line {self.line} has '`' in a heredoc, which is not read: use $(..)"
        if is_lettered:
            return self._all(parts, place)
        end = "E" * (1 + max(map(len, lettered)))
        lines = place.lines + node.start_point[0]
        body = "\n".join(lettered)
        again = _read(f": <<{end}\n{body}\n{end}\n", replace(place, lines=lines))
        if again.problem is not None and self.problem is None:
            self.problem, self.line = again.problem, again.line
        return list(again.commands[:-1])

    def _block_redirects(self, node: Node, place: Place) -> Command:
        return Command(
            redirects=place.redirects,
            function=place.function,
            line=node.start_point[0] + 1 + place.lines,
        )

    # what stands around commands

    def _pipeline(self, node: Node, place: Place) -> list[Command]:
        """Each part is fed by the parts before it; the last has the redirections."""
        parts = [one for one in node.children if one.is_named]
        found: list[Command] = []
        for one in parts:
            last = one is parts[-1]
            here = place if last else replace(place, redirects=(), extra=())
            found += self.commands(one, replace(here, fed_by=(*place.fed_by, *found)))
        return found

    def _list(self, node: Node, place: Place) -> list[Command]:
        """Commands one after the other; the last one has the redirections."""
        parts = [one for one in node.children if one.is_named]
        plain = replace(place, redirects=(), extra=())
        return [
            *self._all(parts[:-1], plain),
            *(command for one in parts[-1:] for command in self.commands(one, place)),
        ]

    def _function(self, node: Node, place: Place) -> list[Command]:
        names = [one for one in node.children if one.type == "word"]
        name = source_of(names[0], self._source) if names else ""
        signs = [one for one in node.children if one.type in REDIRECTS]
        after = [redirect_of(one, self._source)[0] for one in signs]
        body = self._all(
            [one for one in node.children if one.is_named and one not in names],
            replace(place, function=name, redirects=(), extra=()),
        )
        redirects = (*after, *place.redirects)
        return [*body, *([Command(redirects=redirects, function=name)] if redirects else [])]

    # what a command is

    def _with_inner(self, command: Command, place: Place) -> list[Command]:
        """Return a command with its program found, and the commands of a script it is handed."""
        wrappers, rest = look_through(command.words)
        program = program_name(rest[0]) if rest else None
        command = replace(
            command,
            wrappers=wrappers,
            program=program,
            arguments=rest[1:],
            computed=bool(rest) and program is None,
        )
        if program is None:
            return [command]
        script = inner_script(command)
        if script is None or place.scripts >= MOST_SCRIPTS:
            unread = script is not None or runs_computed_text(command)
            return [replace(command, computed=unread)]
        inner = _read(
            script,
            Place(
                fed_by=command.fed_by,
                function=place.function,
                scripts=place.scripts + 1,
                lines=command.line - 1,
            ),
        )
        if inner.problem is not None and self.problem is None:
            self.problem, self.line = f"{inner.problem} (in a script of its own)", inner.line
        return [command, *inner.commands]


Handler = Callable[[_Walk, Node, Place], list[Command]]

HANDLERS: dict[str, Handler] = {
    "command": _Walk._simple,
    "declaration_command": _Walk._declaration,
    "unset_command": _Walk._declaration,
    "variable_assignment": _Walk._assigning,
    "variable_assignments": _Walk._assigning,
    "redirected_statement": _Walk._redirected,
    "pipeline": _Walk._pipeline,
    "list": _Walk._list,
    "negated_command": _Walk._list,
    "function_definition": _Walk._function,
}
"""How each kind of node is read; all others hold what is looked through."""

DECLARING = ("declare", "typeset", "export", "readonly", "local", "unset", "unsetenv")
SIGNS = ("$", "==", "=~")
"""Words that the grammar has no name for: `echo $ == x`."""
SEQUENCE = frozenset(
    {
        *("program", "list", "pipeline", "command", "command_name", "comment", "concatenation"),
        *("redirected_statement", "file_redirect", "file_descriptor", "number"),
        *("word", "string", "string_content", "raw_string"),
        *(
            "\n",
            ";",
            "&&",
            "||",
            "|",
            "|&",
            '"',
            ">",
            ">>",
            ">|",
            ">&",
            "&>",
            "&>>",
            "<",
            "<&",
            *SIGNS,
        ),
    }
)
"""What a script is made of that is nothing but commands, one after the other."""
REST_OF_LINE = ("pipeline", "command", "list", "redirected_statement", "negated_command")
"""What can stand after the `<<EOF` of a heredoc on the same line."""
