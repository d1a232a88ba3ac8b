import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import PipelineError
from pipeline.safety.keys import KEY_BYTES, mac, signing_key


def test_the_key_is_made_once_and_for_its_user_alone(scratch):
    path = scratch / "state" / "approval.key"
    key = signing_key(path)
    assert len(key) == KEY_BYTES
    assert signing_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["approval.key"]


def test_of_many_at_once_all_get_the_same_key(scratch):
    path = scratch / "state" / "approval.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(signing_key, [path] * 16))
    assert keys == {path.read_bytes()}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(scratch, mode):
    path = scratch / "approval.key"
    signing_key(path)
    path.chmod(mode)
    with pytest.raises(PipelineError) as caught:
        signing_key(path)
    assert str(caught.value) == f"{path} can be read by others: run 'chmod 600 {path}'"


def test_a_file_that_is_no_key_is_refused(scratch):
    path = scratch / "approval.key"
    path.touch(0o600)
    with pytest.raises(PipelineError, match="is not a key"):
        signing_key(path)


def test_a_mac_depends_on_key_and_message():
    assert len({mac(b"k", b"m"), mac(b"k", b"n"), mac(b"l", b"m")}) == 3
