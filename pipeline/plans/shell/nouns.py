"""What a shell script says, as data: its simple commands, their words, where their output goes."""

from dataclasses import dataclass, field

WRITES = frozenset({">", ">>", ">|", "&>", "&>>", "<>", ">&"})
"""Redirections that can make or change a file."""


@dataclass(frozen=True)
class Word:
    """One word of a command."""

    text: str
    """Quotes and backslashes removed where it is literal; else as it stands in the script."""
    literal: bool = True
    """False: bash puts something in (a variable, a command's output, braces)."""
    bare: bool = False
    """It has an unquoted `*`, `?`, `[` or leading `~`: bash may make file names of it."""

    @property
    def plain(self) -> bool:
        """Tell whether the command gets exactly `text`."""
        return self.literal and not self.bare

    def followed_by(self, other: "Word") -> "Word":
        """Return the one word that two make with nothing between them."""
        literal, bare = self.literal and other.literal, self.bare or other.bare
        return Word(self.text + other.text, literal, bare)


@dataclass(frozen=True)
class Redirect:
    """One redirection of a command."""

    operator: str
    """`>`, `>>`, `>|`, `>&`, `&>`, `&>>`, `<`, `<&`, `<<` (a heredoc), `<<<`."""
    target: Word
    """The file; for `<<` and `<<<` the text itself."""
    descriptor: str = ""
    """What stands before the operator: `2` in `2>x`."""

    @property
    def written(self) -> Word | None:
        """Return the file that it writes to; None when it writes to none."""
        to_stream = self.operator == ">&" and (self.target.text.rstrip("-").isdigit())
        closing = self.operator == ">&" and self.target.text == "-"
        return self.target if self.operator in WRITES and not to_stream and not closing else None


@dataclass(frozen=True)
class Command:
    """One simple command. Two are equal when they say the same, wherever they stand.

    One without words only assigns variables, or is the redirection of a block (`{ a; } > b`).
    """

    words: tuple[Word, ...] = ()
    """As written, wrappers (`sudo`, `env`, ...) included, assignments before them not."""
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    wrappers: tuple[str, ...] = field(default=(), compare=False)
    """The programs that were looked through to find `program`, outermost first."""
    program: str | None = field(default=None, compare=False)
    """The name of the program without its folder; None: there is none, or it is computed."""
    arguments: tuple[Word, ...] = field(default=(), compare=False)
    """The words after the program's name."""
    computed: bool = field(default=False, compare=False)
    """What runs cannot be read here: a computed name, or computed text handed to a shell."""
    fed_by: "tuple[Command, ...]" = field(default=(), compare=False, repr=False)
    """The commands whose output it gets: those before it in a pipeline, those in its words."""
    function: str | None = field(default=None, compare=False)
    """The function in whose body it stands."""
    line: int = field(default=1, compare=False)

    @property
    def literal(self) -> bool:
        """Tell whether it means the same in any script: bash puts nothing into it."""
        words = (*self.words, *(value for _, value in self.assignments))
        return all(word.literal for word in (*words, *(one.target for one in self.redirects)))

    @property
    def text(self) -> str:
        """Return its words as one line, for people."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Script:
    """A shell script that was read."""

    source: str
    commands: tuple[Command, ...] = ()
    """In the order in which bash comes to them; those of literal scripts (`bash -c '..'`) too."""
    problem: str | None = None
    """The first thing that is no bash, with its line; None: the script could be read."""
    line: int | None = None
    """The line of `problem`, from 1."""
    is_sequence: bool = False
    """It is nothing but commands one after the other (`;`, `&&`, `||`, `|`): no loop, condition,
    function or substitution, in which bash sets variables or runs text that is no command here."""
