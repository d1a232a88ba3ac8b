"""A rule in words, as `pipeline rules ID` and docs/validation.md have it."""

from collections.abc import Iterator, Mapping

from pipeline.plans.validation.rule import Rule, Severity

HEARS: dict[Severity, str] = {
    Severity.ERROR: "error: goes back to the Planning agent",
    Severity.WARNING: "warning: goes to the reviewer",
}


def standing(rule: Rule, off: Mapping[str, str]) -> str:
    """Return in one word whether a rule is applied."""
    if rule.always:
        return "always"
    return "off" if rule.id in off else "on"


def explanation(rule: Rule, off: Mapping[str, str]) -> str:
    """Return all that is to be said about a rule; `off` is the setting."""
    return "\n".join(_lines(rule, off)) + "\n"


def _lines(rule: Rule, off: Mapping[str, str]) -> Iterator[str]:
    yield f"{rule.id} ({HEARS[rule.severity]})"
    yield from ("", f"Finds: {rule.summary}.", "", rule.reason)
    yield from ("", "Wrong:", f"    {rule.wrong}", "", "Right:", f"    {rule.right}", "")
    if rule.always:
        yield f"It cannot be switched off: {rule.always}."
    elif rule.id in off:
        yield f"It is off: {off[rule.id]}"
    else:
        yield "To switch it off, in your own config file (a project cannot):"
        yield from ("", "    [validation.off]", f'    {rule.id} = "why"')
