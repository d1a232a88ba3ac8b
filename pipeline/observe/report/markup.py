"""HTML built from the inside out: everything is text until `tag` makes it markup.

    tag("p", "1 < 2 ", tag("b", title), class_="note")     <p class="note">1 &lt; 2 <b>...</b></p>

Text of others cannot become markup, and shows nothing invisible: only what `tag` returned, and what
is written in our own files, is taken as it stands. Links lead into this page or beside it.
"""

from collections.abc import Iterable
from html import escape

from pipeline.plans.sanitize import clean

VOID = frozenset({"br", "link", "meta"})


class Html(str):
    """Markup; made by `tag`, and from nothing that others wrote."""

    __slots__ = ()


Child = str | Iterable["Child"] | None


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Html:
    """Return an element; `class_` and `aria_label` name the attributes `class` and `aria-label`.

    An attribute that is None or False is left out, one that is True has no value.
    """
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_value(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{given}>" if name in VOID else f"<{name}{given}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Html:
    """Return children as markup, one after the other; text is escaped, None is left out."""
    return Html("".join(map(_markup, children)))


def sentence(text: str) -> Html:
    """Return a sentence with what stands between backticks as code."""
    parts = enumerate(text.split("`"))
    return join(tag("code", part) if number % 2 else part for number, part in parts)


def _markup(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    return escape(clean(child)) if isinstance(child, str) else join(child)


def _value(value: str | int) -> str:
    return escape(clean(str(value), one_line=True))
