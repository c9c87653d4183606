"""The image's refusals bite: two images that are spoilt, and certificates of a CA.

One spoilt image vouches for every extension: it takes what the right one refuses, so those tests
of test_image_tls see the user module's judgement and nothing else.  One is linked without --wrap:
it refuses what every IEEE 2030.5 certificate has, as a build that lost the option would.  Both are
linked from the image's own objects.  Left out where there is no image, see host_tests/conftest.py.
"""

import shutil

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from image_forger import (
    FEATURE_UNAVAILABLE,
    GOOD,
    IN_ARC,
    MALFORMED,
    NOT_KNOWN,
    NULL,
    OUTSIDE,
    UNKNOWN,
    Forger,
    both,
    policies,
    raw,
)
from needed import leave_out
from test_image_tls import CCM8, GCM, INVALID, image, visit

from tools.image.build import BOARDS, WORK, make
from tools.image.sources import source_tree
from tools.pki.authority import Issued

OF_A_CA = {
    "outside the arc": policies(OUTSIDE),
    "mixed": policies(IN_ARC, OUTSIDE),
    "unknown critical": both(GOOD, raw(UNKNOWN, NULL)),
}


@pytest.fixture
def device(issued, tmp_path):
    return issued.write(tmp_path / "device")


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """{"vouches": the image that takes all, "unwrapped": the one without --wrap}"""
    image()
    if not (WORK / "unix32" / "micropython").exists():
        leave_out("its objects are gone: make image BOARD=unix32")
    folder = tmp_path_factory.mktemp("spoilt")
    modules, objects, manifest = folder / "boards", folder / "objects", folder / "manifest.py"
    for name in ("sep2x509", "mbedtls"):
        shutil.copytree(BOARDS / name, modules / name)
    shutil.copytree(WORK / "unix32", objects, ignore=shutil.ignore_patterns("units", "virtual"))
    manifest.write_text("# nothing is frozen: only TLS is asked for\n")
    return {"vouches": _linked(folder, "vouches", "sep2x509.c", "        return REFUSED;\n",
                               "        return 0;\n"),
            "unwrapped": _linked(folder, "unwrapped", "micropython.mk", "LDFLAGS_USERMOD",
                                 "NOT_THE_FLAGS")}


def _linked(folder, name, file, old, new):
    path = folder / "boards" / "sep2x509" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    objects = folder / "objects"
    (objects / "micropython").unlink()
    tree, versions = source_tree(WORK)
    make(tree / "ports" / "unix", objects, versions, f"VARIANT_DIR={BOARDS / 'unix32'}",
         f"USER_C_MODULES={folder / 'boards'}", f"FROZEN_MANIFEST={folder / 'manifest.py'}")
    path.write_text(text)
    return shutil.copy2(objects / "micropython", folder / name)


def test_an_image_that_vouches_for_all_takes_what_the_right_one_refuses(
        spoilt, authority, issued, device, tmp_path):
    said = {}
    for name, (instead, _) in NOT_KNOWN.items():
        server = authority.forge(lambda: authority.server("localhost"), instead)
        said[name] = visit(spoilt["vouches"], server, device, tmp_path)
    assert said == {name: ["", f"{issued.lfdi} {CCM8}"] for name in NOT_KNOWN}


def test_what_is_cut_off_is_refused_whoever_vouches(spoilt, authority, device, tmp_path):
    instead, error = MALFORMED["cut off"]
    server = authority.forge(lambda: authority.server("localhost"), instead)
    assert visit(spoilt["vouches"], server, device, tmp_path) == error


def test_an_image_without_the_wraps_refuses_every_certificate_of_the_standard(
        spoilt, authority, device, tmp_path):
    plain = Forger.create()
    own = plain.device().write(tmp_path / "plain")
    server = authority.server("localhost")
    assert visit(spoilt["unwrapped"], server, device, tmp_path) == INVALID
    assert visit(spoilt["unwrapped"], server, own, tmp_path) == FEATURE_UNAVAILABLE
    for suite in (CCM8, GCM):
        said = visit(spoilt["unwrapped"], plain.server("localhost"), own, tmp_path, suite=suite)
        assert said[0] == "", said


@pytest.mark.parametrize("name", OF_A_CA)
def test_a_trusted_ca_that_demands_what_is_not_known_is_refused(
        name, spoilt, authority, issued, tmp_path):
    """As a root and as the anchor that a MICA may be; the spoilt image takes each."""
    server = authority.server("localhost")
    for level in (3, 1):
        ca = authority.forge(lambda level=level: authority.again(level), OF_A_CA[name])
        device = Issued(issued.key, issued.chain, ca).write(tmp_path / str(level))
        assert visit(image(), server, device, tmp_path) == INVALID
        assert visit(spoilt["vouches"], server, device, tmp_path) == [
            "", f"{issued.lfdi} {CCM8}"]


@pytest.mark.parametrize("level", [3, 2, 1], ids=["SERCA", "MCA", "MICA"])
def test_a_trusted_ca_of_any_level_with_known_policies_is_taken(
        level, authority, issued, tmp_path):
    ca = authority.forge(lambda: authority.again(level), GOOD)
    device = Issued(issued.key, issued.chain, ca).write(tmp_path / "device")
    said = visit(image(), authority.server("localhost"), device, tmp_path)
    assert said == ["", f"{issued.lfdi} {CCM8}"]


def test_a_ca_file_is_taken_whole_or_not_at_all(authority, issued, tmp_path):
    """Junk, nothing, and a good CA beside one that is refused."""
    server = authority.server("localhost")
    good = authority.serca.public_bytes(Encoding.PEM)
    bad = authority.forge(lambda: authority.again(3), policies(OUTSIDE)).public_bytes(Encoding.PEM)
    device = issued.write(tmp_path / "device")
    for data, taken in ((good, True), (good + good, True), (good + bad, False),
                        (bad + good, False), (bytes(range(256)), False), (b"", False)):
        (device / "ca.der").write_bytes(data)
        said = visit(image(), server, device, tmp_path)
        assert said == (["", f"{issued.lfdi} {CCM8}"] if taken else INVALID), data[:40]
