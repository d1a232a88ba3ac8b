"""The nouns: frozen models without any I/O. Nothing here imports from above."""
