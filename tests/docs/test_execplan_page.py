"""The page about ExecPlans names every rule, with its words and its reason."""

from pipeline.plans.execplan.rules import RULES
from tests.docs.pages import page


def test_the_page_has_every_rule_with_its_reason() -> None:
    rows = page("docs/execplan.md").table("rule")
    assert rows == [[rule.id, rule.what, rule.reason] for rule in RULES]
