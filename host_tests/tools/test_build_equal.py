"""All unit tests of lib/ and firmware/, slimmed together with what they test, still pass.

One program of every module and every host_tests/unix file goes through the passes, under the
short names that come of it; asserts are kept.  A test that fails there must fail as written too.
Not those that have the whole client in them: the scenarios of host_tests/system run it slimmed.
"""

import shutil

import pytest
from equal import ROOTS, TESTS, UNIX, WHOLE_KIB, compare, heap_kib, outcome, texts

from tools.build import ROOT, slim
from tools.build.make import compile_all
from tools.build.native import MICROPYTHON
from tools.build.source import Program


@pytest.fixture(scope="module")
def slimmed(tmp_path_factory):
    """Everything as one slimmed bundle."""
    program = Program(texts("unix"), ROOTS)
    slim(program)
    # Where the tests look for vectors and READMEs, seen from their own place.
    root = tmp_path_factory.mktemp("equal")
    code = root / UNIX.relative_to(ROOT)
    compile_all(program, code, {}, "-O0")
    shutil.copytree(UNIX.parent / "vectors", code.parent / "vectors")
    (root / "lib").symlink_to(ROOT / "lib")
    return code


@pytest.mark.parametrize("path", [p for p in TESTS if heap_kib(p) < WHOLE_KIB],
                         ids=lambda p: p.stem)
def test_unit_tests_pass_under_short_names(slimmed, path):
    said = outcome(path, ["-m", path.stem], {"MICROPYPATH": f"{slimmed}:.frozen"}, MICROPYTHON)
    compare(path, said, MICROPYTHON)
