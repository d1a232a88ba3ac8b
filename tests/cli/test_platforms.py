"""Where the pipeline runs, and what it says elsewhere."""

import pytest

from pipeline.cli.platforms import refuse_platform
from pipeline.errors import PipelineError


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_linux_and_macos_are_let_through(platform: str) -> None:
    refuse_platform(platform)


def test_anything_else_is_refused_in_one_line() -> None:
    with pytest.raises(PipelineError, match=r"^pipeline does not run on 'win32': use Linux, or"):
        refuse_platform("win32")
