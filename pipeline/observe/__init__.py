"""Listeners on events, and what is rendered from records: console lines and the report."""
