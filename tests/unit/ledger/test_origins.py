"""The line by which a log names the one that it goes on from."""

import pytest

from portal.ledger.origins import Anchored, continued


@pytest.mark.parametrize("root", [bytes(range(32)), None])
def test_what_is_written_is_read(root):
    anchored = Anchored("countersign.example/log/1", 120, root)
    assert continued(anchored.extension) == anchored
    assert continued(f"{anchored.extension}something else\n") == anchored


@pytest.mark.parametrize(
    "extension", ["", "continues\n", "continues a 0\n", "continues a 7 short\n", "continues a 7"]
)
def test_other_lines_name_no_log(extension):
    assert continued(extension) is None
