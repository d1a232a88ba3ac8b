"""What happens to a plan before it runs: lifecycle, checks, risk, order, and how people read it."""
