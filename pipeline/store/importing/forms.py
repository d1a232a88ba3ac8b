"""The forms that issues can be imported from, by the option of `pipeline import`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.store.importing.batch import NOTHING, Batch, Document, Reader
from pipeline.store.importing.github_json import read_github_json
from pipeline.store.importing.lines import read_lines
from pipeline.store.importing.markdown import read_markdown
from pipeline.store.importing.origin import read_origin

STANDARD_INPUT = Path("-")


@dataclass(frozen=True)
class Form:
    """One form of documents."""

    read: Reader
    folder_of: str = ""
    """What the files of a folder end in; empty where a folder makes no sense."""


FORMS: dict[str, Form] = {
    "jsonl": Form(read_lines),
    "origin-jsonl": Form(read_origin),
    "github-json": Form(read_github_json),
    "markdown": Form(read_markdown, folder_of=".md"),
}


def read_batch(form: Form, path: Path, standard_input: bytes = b"") -> Batch:
    """Read a file, a folder where the form has one, or (for `-`) what came on standard input."""
    if path == STANDARD_INPUT:
        return form.read([Document("standard input", _text(standard_input, "standard input"))])
    return form.read([_document(one) for one in _files(form, path)])


def _files(form: Form, path: Path) -> Sequence[Path]:
    if not path.is_dir() or not form.folder_of:
        return [path]
    found = sorted(
        one
        for one in path.rglob(f"*{form.folder_of}")
        if one.is_file() and not any(p.startswith(".") for p in one.relative_to(path).parts)
    )
    if not found:
        raise PipelineError(f"{path} holds no {form.folder_of} file: {NOTHING}")
    return found


def _document(path: Path) -> Document:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PipelineError(f"{path} cannot be read: {error.strerror}") from error
    return Document(str(path), _text(raw, str(path)))


def _text(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PipelineError(f"{name} is not UTF-8 text: {error.reason}") from error
