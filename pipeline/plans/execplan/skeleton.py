"""What every ExecPlan has: its twelve sections in their order, and the line that says it lives.

The headings are those of the public skeleton (openai/openai-cookbook,
`articles/codex_exec_plans.md`); the words below them are ours.
"""

SECTIONS: dict[str, str] = {
    "Purpose / Big Picture": (
        "Say in a few sentences what somebody can do after this change that they could not do "
        "before, and how they can see it working."
    ),
    "Progress": (
        "One box for each small step; what is done carries the time (UTC) at which it was. At "
        "every stop this list says how things really stand.\n\n"
        "- [x] ({now}) This plan was begun.\n"
        "- [ ] The first step.\n"
        "- [ ] A step that is half done (completed: one part; remaining: the other)."
    ),
    "Surprises & Discoveries": (
        "Write down what behaved otherwise than expected, with a short proof of it.\n\n"
        "- Observation: nothing yet.\n"
        "  Evidence: none."
    ),
    "Decision Log": (
        "Each decision that is made while the plan is worked on.\n\n"
        "- Decision: what was decided.\n"
        "  Rationale: why.\n"
        "  Date/Author: {now}, who."
    ),
    "Outcomes & Retrospective": (
        "At the end, and after each large step: what was reached, what is missing, what was "
        "learned. Compare it with the purpose above."
    ),
    "Context and Orientation": (
        "Describe what is there now to a reader who knows nothing of it. Name files by their path "
        "from the repository's root, and explain every term that is not plain English."
    ),
    "Plan of Work": (
        "Tell in prose what is changed, in which order, in which file and where in it. Cut the "
        "work into milestones that can each be seen working."
    ),
    "Concrete Steps": (
        "Give the exact commands, the folder in which to run them, and what they print:\n\n"
        "    $ make test\n"
        "    12 passed"
    ),
    "Validation and Acceptance": (
        "Say how to try it and what to observe, with inputs and outputs: which test fails before "
        "the change and passes after it."
    ),
    "Idempotence and Recovery": (
        "Say which steps can be repeated, and how to get back from one that failed half-way."
    ),
    "Artifacts and Notes": (
        "Keep the few transcripts and differences that prove success, indented by four."
    ),
    "Interfaces and Dependencies": (
        "Name the libraries and services that are used, and why, and the functions and types that "
        "exist at the end, with their signatures."
    ),
}
"""Section -> what a new plan says there; `{now}` is the time (UTC)."""

LIVING_SECTIONS = (
    "Progress",
    "Surprises & Discoveries",
    "Decision Log",
    "Outcomes & Retrospective",
)
"""The sections that change as the work proceeds."""

LIVING = (
    "This ExecPlan is a living document. The sections `Progress`, `Surprises & Discoveries`, "
    "`Decision Log`, and `Outcomes & Retrospective` must be kept up to date as work proceeds."
)

KEEPER = (
    "Whoever changes this plan says so in a note at its bottom: what was changed, and why. "
    "`pipeline execplan lint` checks its form."
)


def skeleton(title: str, *, now: str) -> str:
    """Return an ExecPlan to be filled in; `now` is a time as in `2026-11-21 02:29Z`."""
    parts = [f"# {title}", LIVING, KEEPER]
    for heading, words in SECTIONS.items():
        parts += [f"## {heading}", words.replace("{now}", now)]
    parts.append(f"Revision note ({now}): written, because the work begins.")
    return "\n\n".join(parts) + "\n"
