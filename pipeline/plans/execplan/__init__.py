"""ExecPlans, the living plans of seed 003: the skeleton of one, and a linter for any."""
