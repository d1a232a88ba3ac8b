"""Links in the user's checkout that bear the name of a folder which workspaces show."""

from pathlib import Path

import pytest

from pipeline import git as ours
from pipeline.execution.kept import find_kept
from pipeline.settings import WorkspaceSettings
from tests.builders import make_repository


@pytest.mark.parametrize("name", ["node_modules", "target", ".tox"])
def test_a_link_of_a_kept_name_shows_nothing_of_the_users(tmp_path: Path, name: str) -> None:
    root = make_repository(tmp_path / "repo", {"a.txt": "a"})
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("the user's own")
    (root / name).symlink_to(secret)

    repo = ours.open_repository(root)
    kept = find_kept(repo, WorkspaceSettings().keep, ours.head_commit(repo), tmp_path / "copies")

    assert (kept.keep, kept.copies) == ((), ())
    assert not (tmp_path / "copies").exists()


def test_a_link_to_a_folder_of_the_same_name_is_kept(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", {"a.txt": "a"})
    shared = tmp_path / "shared" / "node_modules"
    shared.mkdir(parents=True)
    (root / "node_modules").symlink_to(shared)

    repo = ours.open_repository(root)
    kept = find_kept(repo, WorkspaceSettings().keep, ours.head_commit(repo), tmp_path / "copies")

    assert kept.keep == (root / "node_modules",)
