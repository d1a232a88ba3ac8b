"""Turns an issue backlog into reviewed plans and tested commits."""

__version__ = "0.1.0"
