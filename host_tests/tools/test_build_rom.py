"""All unit tests pass where functions, classes and tables are constants in flash, 32-bit words.

The image boards/unix32/units has every module of lib/ and firmware/ moved as rom.py moves them,
and the tests beside.  A test that fails there must fail on the same interpreter as written too.
"""

import pytest
from equal import TESTS, UNIX, compare, outcome, texts

BOARD = "unix32/units"
# Collected often, this interpreter finds room at the heap's beginning, in half the time.
START = "import gc; gc.threshold(262144); import "


@pytest.fixture(scope="module")
def code():
    return texts("unix32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the tests find vectors and READMEs: their own file has no folder, being frozen."""
    made = tmp_path_factory.mktemp("flash") / "host_tests" / "unix"
    (made / "check.py").mkdir(parents=True)
    (made / "check.py" / "vectors").symlink_to(UNIX.parent / "vectors")
    return made


@pytest.mark.parametrize("path", TESTS, ids=lambda p: p.stem)
def test_unit_tests_pass_from_flash(need_image, code, folder, path):
    image = need_image(BOARD, code)
    said = outcome(path, ["-c", START + path.stem], {"MICROPYPATH": ".frozen"}, image, folder)
    compare(path, said, image)
