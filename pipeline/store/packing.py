"""Files packed into one compressed file: the same members always make the same bytes.

Names are sorted as given; owner, mode and times are fixed; what was written is read again and
compared before anybody relies on it.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.store.files import write_atomic

Member = tuple[str, bytes]
"""Name in the file, and content."""


def pack(path: Path, members: Iterable[Member], *, at: int) -> dict[str, str]:
    """Write a `.tar.gz` at `path`, verified; return name -> SHA-256 (hex). `at`: its time.

    Raises `PipelineError` when what was written does not read back as it was.
    """
    packed, sums = io.BytesIO(), {}
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content in members:
            about = tarfile.TarInfo(name)
            about.size, about.mtime, about.mode = len(content), at, 0o600
            tar.addfile(about, io.BytesIO(content))
            sums[name] = digest(content)
    write_atomic(path, packed.getvalue(), mode=0o600)
    if sums_of(path) != sums:
        raise PipelineError(f"{str(path)!r} does not read back as it was written: nothing removed")
    return sums


def unpack(path: Path) -> Iterator[Member]:
    """Yield the members; `PipelineError` for a file that is none of ours, or damaged."""
    try:
        with tarfile.open(path, "r:gz") as tar:
            for about in tar:
                content = tar.extractfile(about)
                if content is not None:
                    yield about.name, content.read()
    except (OSError, tarfile.TarError, EOFError) as error:
        raise PipelineError(f"{str(path)!r} cannot be read: {error}") from error


def sums_of(path: Path) -> dict[str, str]:
    """Return name -> SHA-256 (hex) of the members."""
    return {name: digest(content) for name, content in unpack(path)}


def digest(content: bytes) -> str:
    """Return the SHA-256 (hex) of a member."""
    return hashlib.sha256(content).hexdigest()
