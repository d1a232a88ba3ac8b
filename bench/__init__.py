"""Measurements: each module prints its figures; `--check` holds them to limits."""
