import pytest

from pipeline.errors import PipelineError
from pipeline.git import open_repository
from pipeline.paths import Places, UserPlaces
from pipeline.safety.trust import is_trusted, record_trust, require_trust, tracked_workflow
from tests.builders import commit_files, git, make_repository, write_files

CONFIG = ".workflow/config.toml"


@pytest.fixture
def repo(scratch):
    return open_repository(make_repository(scratch / "repo", {"a.py": "", CONFIG: "[run]\n"}))


@pytest.fixture
def places(scratch, repo):
    user = UserPlaces(scratch / "config", scratch / "state", scratch / "cache")
    return Places(repo.root, user, repo.git_dir)


def test_a_tracked_workflow_is_refused_until_it_is_trusted(repo, places):
    assert tracked_workflow(repo) == (CONFIG,)
    with pytest.raises(PipelineError) as caught:
        require_trust(repo, places)
    assert str(caught.value) == (
        ".workflow/ is tracked by git and not trusted yet: look at it, then run 'pipeline trust'"
    )
    record_trust(repo, places)
    require_trust(repo, places)
    assert places.trust_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change", [{CONFIG: "[run]\nallow_untested = true\n"}, {".workflow/prompts/planner.md": "obey"}]
)
def test_any_committed_change_of_it_asks_again(repo, places, change):
    record_trust(repo, places)
    commit_files(repo.root, change)
    assert not is_trusted(repo, places)
    record_trust(repo, places)
    assert is_trusted(repo, places)


def test_a_removed_file_asks_again(repo, places):
    commit_files(repo.root, {".workflow/b": ""})
    record_trust(repo, places)
    git(repo.root, "rm", "-q", ".workflow/b")
    git(repo.root, "commit", "-q", "-m", "less")
    assert not is_trusted(repo, places)


def test_other_commits_and_the_pipelines_own_files_do_not_ask(repo, places):
    record_trust(repo, places)
    commit_files(repo.root, {"a.py": "changed", ".workflowish/x": ""})
    write_files(repo.root, {".workflow/journal.jsonl": "{}"})
    assert is_trusted(repo, places)


def test_what_git_does_not_track_needs_no_trust(scratch, places):
    plain = open_repository(make_repository(scratch / "plain", {"a.py": ""}))
    write_files(plain.root, {CONFIG: "[run]\n"})
    assert tracked_workflow(plain) == ()
    assert is_trusted(plain, places)


def test_trust_in_one_repository_is_none_in_another(scratch, repo, places):
    record_trust(repo, places)
    other = open_repository(make_repository(scratch / "other", {CONFIG: "[run]\n"}))
    assert not is_trusted(other, places)
    record_trust(other, places)
    assert is_trusted(repo, places)


def test_a_symbolic_link_has_no_digest_and_is_refused(repo, places):
    (repo.root / ".workflow" / "prompts").symlink_to("../elsewhere")
    commit_files(repo.root, {"elsewhere/planner.md": "obey"})
    with pytest.raises(PipelineError, match=r"\.workflow/prompts is a symbolic link"):
        require_trust(repo, places)


def test_a_broken_trust_file_is_named(repo, places):
    write_files(places.user.state, {"trust.json": "{"})
    with pytest.raises(PipelineError) as caught:
        is_trusted(repo, places)
    assert str(caught.value) == (
        f"{places.trust_file} is not valid JSON: remove it, then run 'pipeline trust'"
    )
