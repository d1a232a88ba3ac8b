"""Which of the user's toolchains a sandbox shows again, read-only, although the home is empty.

An allow-list by name: language toolchains, never `~/.ssh`, `~/.config`, `~/.aws` or the like.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import proc
from pipeline.sandbox import SYSTEM_BINS, hidden

SHOWN = (
    ".pyenv",
    ".rustup",
    ".cargo/bin",
    ".cargo/registry",
    ".cargo/git",
    ".nvm",
    ".volta",
    ".local/share/uv/python",
    ".local/share/uv/tools",
    ".local/share/pnpm",
    ".local/bin",
    "go/bin",
    "go/pkg",
    ".sdkman",
)
"""Below the home folder; what is not here stays invisible.

Beside them lie keys and other people's work: uv keeps passwords of registries in `uv/credentials`
(docs.astral.sh/uv/concepts/authentication/http), cargo tokens in `.cargo`, and `go/src` is sources.
"""

ENVIRONMENT: dict[str, tuple[tuple[str, str], ...]] = {
    ".pyenv": (("PYENV_ROOT", "{place}"),),
    ".rustup": (("RUSTUP_HOME", "{place}"), ("CARGO_NET_OFFLINE", "true")),
    ".cargo/bin": (("CARGO_HOME", "{home}/.cargo"),),
    ".nvm": (("NVM_DIR", "{place}"),),
    ".volta": (("VOLTA_HOME", "{place}"),),
    "go/pkg": (("GOPATH", "{home}/go"), ("GOCACHE", "/tmp/go-build"), ("GOPROXY", "off")),
    ".sdkman": (("SDKMAN_DIR", "{place}"),),
}
"""What a toolchain must be told, because HOME is `/tmp` inside."""

SITE_SETTINGS = ("pip.conf", ".condarc", "etc/pip.conf", "etc/npmrc")
"""What pip, conda and npm read below the prefix of an installation: URLs of registries, often with
a token (pip.pypa.io/en/stable/topics/configuration, docs.npmjs.com/cli/configuring-npm/npmrc)."""
PREFIXES = (
    "",
    "*/",
    "versions/*/",
    "versions/*/envs/*/",
    "versions/node/*/",
    "tools/image/node/*/",
)
"""Where prefixes lie below what is shown: itself; uv's; pyenv's and its environments; nvm's;
volta's."""

ASK_PYTHON = "import sys; print(sys.prefix); print(sys.base_prefix)"


@dataclass(frozen=True)
class Toolchains:
    """What of the host's toolchains is shown inside, and how programs find it."""

    read: tuple[Path, ...] = ()
    bins: tuple[Path, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


def find_toolchains(home: Path, search_path: str, checkout: Path | None = None) -> Toolchains:
    """Return the toolchains below `home` and those that `search_path` (a PATH) leads to.

    The prefix of the Python on the path, as seen from `checkout` (version managers look at
    files there), comes first: the managers' shims are slow.
    """
    shown = [(name, home / name) for name in SHOWN if (home / name).is_dir()]
    prefixes = _python_prefixes(search_path, checkout)
    entries = [Path(entry) for entry in search_path.split(":") if entry.startswith("/")]
    places = [place for _, place in shown]
    bins = [prefix / "bin" for prefix in prefixes]
    bins += [e for e in entries if not hidden(e) or any(e.is_relative_to(p) for p in places)]
    env = [
        (variable, value.format(home=home, place=place))
        for name, place in shown
        for variable, value in ENVIRONMENT.get(name, ())
    ]
    wanted = [p for p in prefixes if hidden(p) and not _inside(p, places)]
    return Toolchains(
        read=tuple(dict.fromkeys([*places, *wanted])),
        bins=tuple(b for b in dict.fromkeys(bins) if b.is_dir() and str(b) not in SYSTEM_BINS),
        env=tuple(env),
    )


def site_settings(shown: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files below what is shown that may hold the token of a registry."""
    return tuple(
        found
        for place in dict.fromkeys(shown)
        for prefix in PREFIXES
        for name in SITE_SETTINGS
        for found in place.glob(prefix + name)
        if found.is_file() and found.resolve() == found
    )


def interpreters(environments: Sequence[Path], known: Iterable[Path]) -> tuple[Path, ...]:
    """Return the Python installations that virtual environments need and that are hidden.

    Read from `home` in their `pyvenv.cfg`; what lies below `known` is shown already.
    """
    places = list(known)
    found: list[Path] = []
    for environment in environments:
        for prefix in _prefixes_of(environment):
            if hidden(prefix) and not _inside(prefix, [*places, *found]):
                found.append(prefix)
    return tuple(found)


def is_environment(folder: Path) -> bool:
    """Tell whether a folder is a Python virtual environment."""
    return (folder / "pyvenv.cfg").is_file()


def _prefixes_of(environment: Path) -> list[Path]:
    """Return where the base interpreter lies, by the name in the config and without links."""
    config = environment / "pyvenv.cfg"
    lines = config.read_text("utf-8", "replace").splitlines() if config.is_file() else []
    homes = [
        line.partition("=")[2].strip() for line in lines if line.split("=")[0].strip() == "home"
    ]
    prefixes = [Path(home).parent for home in homes if home.startswith("/")]
    interpreter = environment / "bin" / "python"
    if interpreter.exists():
        prefixes.append(interpreter.resolve().parent.parent)
    return [prefix for prefix in dict.fromkeys(prefixes) if is_python(prefix)]


def is_python(prefix: Path) -> bool:
    """Tell whether a folder is a Python installation and nothing more (a home folder is not)."""
    return any(prefix.glob("lib/python3*/os.py")) and prefix.name != ".local"


def _python_prefixes(search_path: str, checkout: Path | None) -> list[Path]:
    """Return the prefixes of the Python on the path: its virtual environment's, then its own."""
    found = shutil.which("python3", path=search_path)
    prefixes = _evident(Path(found)) if found else []
    return [p for p in prefixes or _asked(search_path, checkout) if p != Path("/usr")]


def _evident(program: Path) -> list[Path]:
    """Return the prefixes of an interpreter as its place tells them, without starting it.

    None where only it can tell: a version manager's shim, a link from elsewhere.
    """
    prefix = program.parent.parent
    if program.parent.resolve() != program.parent or _is_script(program):
        return []
    if is_environment(prefix):
        return [prefix, *_prefixes_of(prefix)[:1]]
    lies_in = program.resolve().is_relative_to(prefix)
    return [prefix] if lies_in and is_python(prefix) else []


def _is_script(program: Path) -> bool:
    try:
        with program.open("rb") as start:
            return start.read(2) == b"#!"
    except OSError:
        return True  # it may be started, not read: who knows what it is


def _asked(search_path: str, checkout: Path | None) -> list[Path]:
    try:
        words = ["python3", "-I", "-c", ASK_PYTHON]
        done = proc.run(words, cwd=checkout, env={"PATH": search_path}, timeout_s=20)
    except proc.CannotStart:
        return []
    prefixes = [Path(line) for line in done.output.decode("utf-8", "replace").split("\n") if line]
    return [p for p in dict.fromkeys(prefixes) if is_python(p) or is_environment(p)]


def _inside(place: Path, places: Sequence[Path]) -> bool:
    return any(place.is_relative_to(other) for other in places)
