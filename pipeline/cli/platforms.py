"""Where this runs: Linux; macOS without a sandbox; Windows through WSL."""

from pipeline.errors import PipelineError

SUPPORTED = ("linux", "darwin")


def refuse_platform(platform: str) -> None:
    """Raise `PipelineError` on a platform (`sys.platform`) where nothing has been tried."""
    if platform not in SUPPORTED:
        raise PipelineError(f"pipeline does not run on {platform!r}: use Linux, or WSL on Windows")
