"""What may happen at all: signatures, the gate, budgets, roles, trust."""
