"""Wiring of what takes secrets out of this process's texts."""

import os

from pipeline.settings import SecretSettings
from pipeline.store.redaction import Redaction, secret_values


def redaction_of(settings: SecretSettings) -> Redaction:
    """Return what takes secrets out: what the environment holds now, and all forms."""
    return Redaction(secret_values(os.environ, also=settings.variables, known=settings.not_secret))
