"""tools/image/sources.py: pinned, replaced, damaged and unreachable source packages.

A stand-in for apt-get serves small packages from a folder; what it cannot show, that an archive
without a good signature is refused, the machine's own apt-get does on a local one.
"""

import hashlib
import io
import os
import shutil
import sys
import tarfile

import pytest
from needed import program
from tools.image import sources
from tools.image.sources import Pin, mirrors, source_tree

APT_GET = """#!{python}
# apt-get's command line over a folder: pool/ has the files, mirrors.txt what apt is set up for.
import os, pathlib, shutil, sys
here = pathlib.Path({here!r})
words = sys.argv[1:]
with open(here / "asked.txt", "a") as asked:
    print(*words, file=asked)
if "indextargets" in words:
    print((here / "mirrors.txt").read_text(), end="")
elif "update" in words:
    said = pathlib.Path(os.environ["APT_CONFIG"]).with_name("debian.sources").read_text()
    if "http://down.example/" in said:
        sys.exit("E: Could not resolve 'down.example'")
else:
    name, _, version = words[-1].partition("=")
    found = sorted((here / "pool").glob(name + "_*.dsc"))
    found = [f for f in found if not version or f.stem == name + "_" + version]
    if not found:
        sys.exit("E: Version '" + version + "' for '" + name + "' was not found")
    for file in (here / "pool").glob(name + "_*"):
        shutil.copy(file, ".")
"""
PATCH = """--- a/code.c
+++ b/code.c
@@ -1,2 +1,2 @@
 one
-two
+{new}
"""
UP = "Debian/Debian http://up.example/debian/\n"


def tar(path, files):
    with tarfile.open(path, "w:xz") as out:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            out.addfile(member, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Archive:
    """Debian as the stand-in has it: two small packages, pinned, and their successors."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.pool = folder / "pool"
        self.pool.mkdir()
        self.mirrors(UP)
        (folder / "bin").mkdir()
        script = folder / "bin" / "apt-get"
        script.write_text(APT_GET.format(python=sys.executable, here=str(folder)))
        script.chmod(0o755)
        for tool in ("tar", "xz", "patch"):
            (folder / "bin" / tool).symlink_to(shutil.which(tool))
        monkeypatch.setenv("PATH", str(folder / "bin"))
        pins = {name: Pin("1.0-1", self.publish(name, "1.0", "1", {"old.patch": "unused"}),
                          ("old.patch",)) for name in ("micropython", "mbedtls")}
        monkeypatch.setattr(sources, "PINS", pins)
        keyring = folder / "keyring."
        keyring.with_name("keyring.gpg").touch()
        monkeypatch.setattr(sources, "KEYRINGS", str(keyring))

    def mirrors(self, text):
        (self.folder / "mirrors.txt").write_text(text)

    def publish(self, name, upstream, revision, patches):
        """Replace a package by this version; the SHA-256 of its upstream archive."""
        for old in self.pool.glob(name + "_*"):
            old.unlink()
        orig, debian = f"{name}_{upstream}.orig.tar.xz", f"{name}_{upstream}-{revision}.debian"
        made = tar(self.pool / orig, {f"{name}-{upstream}/code.c": "one\ntwo\n"})
        series = "# Debian's patches\n\n" + "".join(f"{p} -p1 # why\n" for p in patches)
        tar(self.pool / (debian + ".tar.xz"), {
            "debian/patches/series": series,
            **{f"debian/patches/{p}": text for p, text in patches.items()}})
        (self.pool / f"{name}_{upstream}-{revision}.dsc").write_text(
            f"Format: 3.0 (quilt)\nSource: {name}\nVersion: {upstream}-{revision}\nFiles:\n"
            f" {'0' * 32} 1 {orig}\n {'0' * 32} 1 {debian}.tar.xz\n")
        return made

    def tree(self):
        return source_tree(self.folder / "work")

    def asked(self):
        return (self.folder / "asked.txt").read_text().splitlines()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    for tool in ("tar", "xz", "patch"):
        program(tool, tool)
    return Archive(tmp_path, monkeypatch)


def code(tree):
    return [(tree / place / "code.c").read_text() for place in (".", "lib/mbedtls")]


def test_pinned_versions_become_one_tree_without_debians_patches(archive, capsys):
    tree, versions = archive.tree()
    assert versions == {"micropython": "1.0-1", "mbedtls": "1.0-1"}
    assert code(tree) == ["one\ntwo\n"] * 2 and capsys.readouterr().out == ""
    assert any(line.endswith("source mbedtls=1.0-1") for line in archive.asked())
    asked = len(archive.asked())
    assert archive.tree() == (tree, versions) and len(archive.asked()) == asked, "it is kept"


def test_a_successor_is_said_and_built_with_what_it_repairs(archive, capsys):
    archive.publish("mbedtls", "1.0", "1+deb13u1", {
        "old.patch": "unused", "CVE-1.patch": PATCH.format(new="mended")})
    archive.publish("micropython", "1.1", "1", {"old.patch": "unused"})
    tree, versions = archive.tree()
    assert versions == {"micropython": "1.1-1", "mbedtls": "1.0-1+deb13u1"}
    assert code(tree) == ["one\ntwo\n", "one\nmended\n"]
    assert capsys.readouterr().out.splitlines() == [
        "micropython 1.1-1: Debian's successor of the pinned 1.0-1",
        "mbedtls 1.0-1+deb13u1: Debian's successor of the pinned 1.0-1",
        "mbedtls: with Debian's CVE-1.patch"]


def test_a_repair_that_does_not_fit_is_named_and_nothing_is_left(archive):
    archive.publish("mbedtls", "1.0", "2", {
        "CVE-2.patch": PATCH.format(new="x").replace("two", "three")})
    with pytest.raises(SystemExit, match=r"CVE-2\.patch: .*FAILED"):
        archive.tree()
    assert not (archive.folder / "work" / "source").exists()
    archive.publish("mbedtls", "1.0", "2", {"CVE-2.patch": PATCH.format(new="x")})
    assert code(archive.tree()[0])[1] == "one\nx\n", "the next build begins anew"


def test_another_archive_under_the_pinned_version_is_refused(archive):
    orig = next(archive.pool.glob("mbedtls_*.orig.tar.xz"))
    tar(orig, {"mbedtls-1.0/code.c": "one\ntwo\nthree\n"})
    with pytest.raises(SystemExit, match=r"\.orig\.tar\.xz is not the file that is pinned"):
        archive.tree()
    assert not (archive.folder / "work" / "source").exists()


def test_a_package_that_is_gone_is_named(archive):
    for file in archive.pool.glob("mbedtls_*"):
        file.unlink()
    with pytest.raises(SystemExit, match="source mbedtls: E: Version"):
        archive.tree()


def test_only_debians_own_mirrors_are_asked_one_after_the_other(archive):
    archive.mirrors("Debian/Debian http://down.example/debian/\n"
                    "Debian/Debian-Security http://security.example/\n"
                    "Other/Debian http://other.example/debian/\n" + UP + UP)
    assert mirrors() == ["http://down.example/debian/", "http://up.example/debian/"]
    archive.tree()
    said = (archive.folder / "work" / "apt" / "debian.sources").read_text()
    assert "URIs: http://up.example/debian/" in said and "keyring.gpg" in said
    assert len([line for line in archive.asked() if line.endswith(" update")]) == 2


@pytest.mark.parametrize("told, why", [
    ("", "knows no Debian mirror: run apt-get update"),
    ("Debian/Debian http://down.example/debian/\n", "Could not resolve 'down.example'")])
def test_where_no_mirror_answers_the_cause_is_said(archive, told, why):
    archive.mirrors(told)
    with pytest.raises(SystemExit, match=why):
        archive.tree()


def test_without_the_archives_keys_or_apt_nothing_is_fetched(archive, monkeypatch):
    monkeypatch.setattr(sources, "KEYRINGS", str(archive.folder / "none."))
    with pytest.raises(SystemExit, match="install debian-archive-keyring"):
        archive.tree()
    monkeypatch.setenv("PATH", str(archive.folder / "none"))
    monkeypatch.setattr(sources, "KEYRINGS", str(archive.folder / "keyring."))
    with pytest.raises(SystemExit, match="apt-get is missing"):
        archive.tree()


def test_the_machines_apt_refuses_an_archive_that_debians_keys_did_not_sign(tmp_path, monkeypatch):
    """Its index is in order, and nobody signed it."""
    program("apt-get", "apt")
    place = tmp_path / "debian" / "dists" / sources.SUITE
    (place / "main" / "source").mkdir(parents=True)
    index = place / "main" / "source" / "Sources"
    index.write_text("Package: mbedtls\nBinary: x\nVersion: 9\nDirectory: pool\nFiles:\n\n")
    digest = hashlib.sha256(index.read_bytes()).hexdigest()
    (place / "Release").write_text(
        f"Origin: Debian\nLabel: Debian\nSuite: {sources.SUITE}\nCodename: {sources.SUITE}\n"
        f"Components: main\nArchitectures: all\nDate: Sat, 01 Nov 2025 00:00:00 UTC\n"
        f"SHA256:\n {digest} {index.stat().st_size} main/source/Sources\n")
    monkeypatch.setattr(sources, "mirrors", lambda: [f"file:{tmp_path}/debian/"])
    with pytest.raises(SystemExit, match="not signed"):
        source_tree(tmp_path / "work")
    assert not (tmp_path / "work" / "source").exists()
    assert os.listdir(tmp_path / "work" / "apt" / "files") == []
