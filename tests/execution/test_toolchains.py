"""Which toolchains a sandbox shows again: by an allow-list, never the home itself."""

from pathlib import Path

from pipeline.execution.toolchains import find_toolchains, interpreters, is_python, site_settings
from tests.builders import write_files


def make_python(prefix: Path) -> Path:
    write_files(prefix, {"lib/python3.11/os.py": "", "bin/python3.11": ""})
    return prefix


def test_only_named_toolchains_of_the_home_are_shown(tmp_path: Path) -> None:
    for name in (".pyenv/shims", ".cargo/bin", ".ssh", ".config/pipeline", ".aws", ".nvm"):
        (tmp_path / name).mkdir(parents=True)
    path = f"{tmp_path}/.pyenv/shims:{tmp_path}/.ssh:{tmp_path}/bin:/usr/bin:relative"
    found = find_toolchains(tmp_path, path)
    assert found.read == (tmp_path / ".pyenv", tmp_path / ".cargo/bin", tmp_path / ".nvm")
    assert found.bins == (tmp_path / ".pyenv/shims",)
    assert dict(found.env) == {
        "PYENV_ROOT": f"{tmp_path}/.pyenv",
        "CARGO_HOME": f"{tmp_path}/.cargo",
        "NVM_DIR": f"{tmp_path}/.nvm",
    }


def test_what_lies_beside_a_toolchain_is_not_shown(tmp_path: Path) -> None:
    secret = ("uv/credentials", "go/src/private", ".cargo/credentials.toml")
    shown = (".cargo/bin", "uv/python/3.11", "go/bin", "go/pkg/mod")
    places = [name.replace("uv/", ".local/share/uv/") for name in (*secret, *shown)]
    for name in places:
        (tmp_path / name).mkdir(parents=True)
    found = find_toolchains(tmp_path, f"{tmp_path}/go/bin:/usr/bin")
    seen = [any((tmp_path / name).is_relative_to(place) for place in found.read) for name in places]
    assert seen == [False] * len(secret) + [True] * len(shown)
    assert found.bins == (tmp_path / "go/bin",)
    assert dict(found.env)["GOPATH"] == f"{tmp_path}/go"


def test_settings_that_may_hold_tokens_are_found_below_every_prefix(tmp_path: Path) -> None:
    secret = (
        "venv/pip.conf",
        "uv/tools/ruff/pip.conf",
        "pyenv/versions/3.11/pip.conf",
        "pyenv/versions/3.11/envs/mine/pip.conf",
        "nvm/versions/node/v22/etc/npmrc",
        "volta/tools/image/node/22.1.0/etc/npmrc",
        "conda/.condarc",
    )
    write_files(tmp_path, dict.fromkeys((*secret, "venv/lib/site/pip.conf", "nvm/nvm.sh"), ""))
    (tmp_path / "nvm/pip.conf").symlink_to("/etc/hosts")
    shown = [tmp_path / name for name in ("venv", "uv/tools", "pyenv", "nvm", "volta", "conda")]
    assert set(site_settings(shown)) == {tmp_path / name for name in secret}


def test_an_empty_machine_has_none(tmp_path: Path) -> None:
    found = find_toolchains(tmp_path, str(tmp_path / "bin"))
    assert (found.read, found.bins, found.env) == ((), (), ())


def test_the_interpreter_of_an_environment_is_found_in_its_config(tmp_path: Path) -> None:
    python = make_python(tmp_path / "pythons/3.11")
    write_files(tmp_path / "env", {"pyvenv.cfg": f"home = {python}/bin\nversion = 3.11\n"})
    (tmp_path / "env/bin").mkdir()
    (tmp_path / "env/bin/python").symlink_to(python / "bin/python3.11")
    assert interpreters([tmp_path / "env"], []) == (python,)
    assert interpreters([tmp_path / "env"], [tmp_path / "pythons"]) == ()


def test_a_config_cannot_show_a_folder_that_is_no_python(tmp_path: Path) -> None:
    (tmp_path / "home/.ssh").mkdir(parents=True)
    write_files(tmp_path / "env", {"pyvenv.cfg": f"home = {tmp_path}/home/bin\n"})
    assert interpreters([tmp_path / "env"], []) == ()
    make_python(tmp_path / "home/.local")
    assert not is_python(tmp_path / "home/.local")


def make_program(path: Path, content: str) -> None:
    write_files(path.parent, {path.name: content})
    path.chmod(0o755)


def read_from(folder: Path) -> tuple[Path, ...]:
    found = find_toolchains(Path("/nowhere"), f"{folder}:/usr/bin:/bin")
    return tuple(b.parent for b in found.bins)


def test_an_interpreter_in_its_own_prefix_is_not_started(tmp_path: Path) -> None:
    python = make_python(tmp_path / "python")
    make_program(python / "bin/python3", "no program at all")
    write_files(tmp_path / "env", {"pyvenv.cfg": f"home = {python}/bin\n"})
    (tmp_path / "env/bin").mkdir()
    (tmp_path / "env/bin/python3").symlink_to(python / "bin/python3")
    assert read_from(python / "bin") == (python,)
    assert read_from(tmp_path / "env/bin") == (tmp_path / "env", python)


def test_a_shim_is_asked_which_interpreter_it_stands_for(tmp_path: Path) -> None:
    python = make_python(tmp_path / "versions/3.11")
    write_files(tmp_path, {"lib/python3.9/os.py": ""})
    make_program(tmp_path / "bin/python3", f"#!/bin/sh\necho {python}\necho {python}\n")
    assert read_from(tmp_path / "bin") == (python,)
