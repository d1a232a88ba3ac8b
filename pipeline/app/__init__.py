"""Wiring: the only files that construct collaborators.

`project.py` is what every command starts from; `working.py` is what an orchestrator needs besides.
"""
