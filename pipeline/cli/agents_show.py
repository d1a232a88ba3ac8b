"""`pipeline agents show`: what the next request of an agent would begin with."""

from collections.abc import Iterator
from typing import Annotated

import typer

from pipeline.agents.conversation import head_sha256
from pipeline.app.agents import ROLES, Next, next_of
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.domain.counting import counted
from pipeline.errors import UsageProblem


def command(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="planner or executor.")],
    full: Annotated[bool, typer.Option("--full", help="Print the texts of the head too.")] = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Show what the next request of an agent begins with: head, your notes, memory and ledger.

    Conventions that it would keep are listed too: no agent is told one unless you write it into
    `.workflow/memory/`.

    Example: pipeline agents show planner
    """
    if role not in ROLES:
        raise UsageProblem(f"{role!r} is no agent: say `planner` or `executor`")
    found = next_of(open_project(repo), role)
    if as_json:
        print_json(found.fields(full=full))
    else:
        print_text("\n".join(_lines(found, full=full)))


def _lines(found: Next, *, full: bool) -> Iterator[str]:
    sizes = found.tokens
    names = ", ".join(tool.name for tool in found.head.tools)
    yield f"{found.role}, as its next request begins; tokens are estimates"
    yield ""
    yield f"head     {sizes['head']:>6} tokens  sha256 {head_sha256(found.head)[:12]}"
    yield f"  tools    {sizes['tools']:>6}  {names}"
    yield f"  system   {sizes['system']:>6}"
    yield f"  context  {sizes['context']:>6}"
    if full:
        yield from ("", found.head.system.rstrip(), "", found.head.context.rstrip(), "")
    yield f"notes    {sizes['notes']:>6} tokens  .workflow/memory/both.md and {found.role}.md"
    yield from _indented(found.notes)
    yield f"memory   {sizes['memory']:>6} tokens  what is left of older issues"
    yield from _indented(found.memory)
    yield f"ledger   {sizes['ledger']:>6} tokens  {counted(len(found.ledger), 'digest')}"
    for digest in found.ledger:
        yield from _indented(digest)
    if found.proposals:
        yield ""
        yield "It would keep these conventions. To keep one, write it into .workflow/memory/:"
        yield from (f"  {issue}: {text}" for text, issue in found.proposals.items())


def _indented(text: str) -> Iterator[str]:
    yield from (f"  {line}".rstrip() for line in text.splitlines())
