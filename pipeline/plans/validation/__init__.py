"""What makes a solution no plan: rules with ids, as a linter has them.

solution + surroundings -> check_solution -> errors (back to the agent), warnings (to the reviewer)
"""

from pipeline.plans.validation.checking import Checked, check_solution
from pipeline.plans.validation.explaining import HEARS, explanation, standing
from pipeline.plans.validation.paths import path_problem
from pipeline.plans.validation.registry import FAMILIES, RULES, find_rule, require_switchable
from pipeline.plans.validation.rule import Finding, Rule, Severity
from pipeline.plans.validation.surroundings import Surroundings, surroundings_at

__all__ = [
    "FAMILIES",
    "HEARS",
    "RULES",
    "Checked",
    "Finding",
    "Rule",
    "Severity",
    "Surroundings",
    "check_solution",
    "explanation",
    "find_rule",
    "path_problem",
    "require_switchable",
    "standing",
    "surroundings_at",
]
