"""`pipeline status --watch`: the same rows again and again, or a line when something changed."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import typer

from pipeline.cli.live import STEP_S, coloured
from pipeline.cli.painter import Painter, may_paint, size_of
from pipeline.cli.streams import is_read
from pipeline.observe.look import View, Watcher
from pipeline.observe.panel import fitted, panel, told

Document = Callable[[View], dict[str, object]]


def watch(watcher: Watcher, document: Document, *, plain: bool, as_json: bool) -> None:
    """Show what is happening until Ctrl-C, or until nobody reads it."""
    with suppress(KeyboardInterrupt):
        if as_json:
            _objects(watcher, document)
        elif plain or not may_paint(sys.stdout, os.environ):
            _lines(watcher)
        else:
            _paint(watcher)


def _paint(watcher: Watcher) -> None:
    painter = Painter(sys.stdout, size_of(sys.stdout), coloured=coloured(os.environ))
    while True:
        view = watcher.look()
        if view is not None:
            columns, lines = painter.size()
            painter.paint(fitted(panel(view), columns - 1, max(lines - 1, 1)))
        time.sleep(STEP_S)


def _lines(watcher: Watcher) -> None:
    """Write a line when it says something else than the one before."""
    last = ""
    for view in _views(watcher):
        text = told(view)
        if text != last:
            typer.echo(f"{view.at.astimezone():%H:%M:%S}  {text}")
        last = text


def _objects(watcher: Watcher, document: Document) -> None:
    """Write a document, on one line, when something is another; a clock that goes on is nothing."""
    last: object = None
    for view in _views(watcher):
        seen = (view.summary, view.worker, view.now)
        if seen != last:
            typer.echo(json.dumps(document(view), separators=(",", ":")))
        last = seen


def _views(watcher: Watcher) -> Iterator[View]:
    while is_read():
        view = watcher.look()
        if view is not None:
            yield view
        time.sleep(STEP_S)
