"""Debian's source packages of MicroPython and mbedTLS as one tree, ready to build.

Enters: a folder, and the mirror that this machine's apt already uses.  Leaves:
<folder>/source, MicroPython's tree with mbedTLS in the place that its own archive leaves empty.

    tree, versions = source_tree(Path("build/image"))

apt checks the archive's signature and every file's hash; the versions below are pinned by SHA-256
as well.  When Debian has replaced one of them in a point release, the successor that apt vouches
for is taken, and said: its upstream archive, and of Debian's patches those that the pinned version
did not have yet, which is where a repair of a stable release is (needs patch).  The older ones are
left out: they fit Debian's own build, one of them takes mbedTLS out of the tree.  Needs no root:
apt works on private lists inside the folder.
Limit: a tree that is there is kept; `make clean` makes the next build fetch anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

SUITE = "trixie"
KEYRINGS = "/usr/share/keyrings/debian-archive-keyring."


class Pin(NamedTuple):
    """A source package: its version, the SHA-256 of its upstream archive, Debian's patches."""

    version: str
    sha256: str
    left_out: tuple[str, ...]


class Package(NamedTuple):
    """What was fetched of it: the version, the upstream archive, Debian's own part."""

    version: str
    archive: Path
    debian: Path


PINS = {
    "micropython": Pin(
        "1.25.0+ds-1", "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea", (
            "0001-unix-Fix-Makefile.patch", "0002-docs-Use-local-intersphinx.patch",
            "0003-docs-Fix-privacy-breach-generic.patch",
            "0004-py-py.mk-Use-fixed-mpversion.patch",
            "0005-unix-modjni-Try-loading-default-java.patch",
            "0006-extmod-Use-system-mbedtls.patch",
            "0007-py-mkrules.mk-Workaround-missing-submodules-dir.patch",
            "0008-extmod-modtls_mbedtls.c-Decrease-the-mbedTLS-DEBUG-l.patch", "mip.patch")
    ),
    "mbedtls": Pin(
        "3.6.6-0.1~deb13u1", "8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a",
        ("100-fix-gcc14-build.patch", "cmake-disable-3rdparty.patch")
    ),
}

APT_CONF = """\
Dir::Etc::sourcelist "{here}/debian.sources";
Dir::Etc::sourceparts "{here}/none";
Dir::Etc::preferencesparts "{here}/none";
Dir::State "{here}";
Dir::State::lists "{here}/lists";
Dir::State::status "{here}/status";
Dir::Cache "{here}";
APT::Sandbox::User "";
Acquire::Languages "none";
"""
SOURCES = """\
Types: deb-src
URIs: {uri}
Suites: {suite}
Components: main
Signed-By: {keyring}
"""


def source_tree(folder: Path) -> tuple[Path, dict[str, str]]:
    """The tree and its versions, fetched when it is not there. SystemExit says why it cannot."""
    tree, said = folder / "source", folder / "source" / "versions.txt"
    if not said.exists():
        packages = _fetch(folder / "apt")
        part = folder / "source.part"
        for old in (tree, part):
            shutil.rmtree(old, ignore_errors=True)
        for name, place in (("micropython", part), ("mbedtls", part / "lib" / "mbedtls")):
            _unpack(packages[name].archive, place)
            _repair(name, packages[name].debian, place)
        lines = [f"{name} {package.version}\n" for name, package in packages.items()]
        (part / said.name).write_text("".join(lines))
        part.rename(tree)  # whole or not at all
    return tree, dict(line.split() for line in said.read_text().splitlines())


def mirrors() -> list[str]:
    """Debian's mirrors that this machine's apt is set up for, security archives aside."""
    fields = "$(ORIGIN)/$(LABEL) $(REPO_URI)"
    told = _run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"])
    origins = (line.split(" ", 1) for line in told.splitlines())
    return list(dict.fromkeys(uri for origin, uri in origins if origin == "Debian/Debian"))


def _fetch(folder: Path) -> dict[str, Package]:
    """{name: what was fetched}, all checked."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("lists/partial", "archives/partial", "none", "files"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    conf = folder / "apt.conf"
    conf.write_text(APT_CONF.format(here=folder))
    env = {**os.environ, "APT_CONFIG": str(conf)}
    _update(folder, env)
    return {name: _download(name, pin, folder / "files", env) for name, pin in PINS.items()}


def _update(folder: Path, env: dict[str, str]) -> None:
    """Fetch the signed index of sources from the first mirror that gives it."""
    keyring = next((k for k in (KEYRINGS + "gpg", KEYRINGS + "pgp") if Path(k).exists()), None)
    if keyring is None:
        raise SystemExit("Debian's archive keys are missing: install debian-archive-keyring")
    why = "apt on this machine knows no Debian mirror: run apt-get update"
    for uri in mirrors():
        text = SOURCES.format(uri=uri, suite=SUITE, keyring=keyring)
        (folder / "debian.sources").write_text(text)
        # Any: apt-get otherwise calls an update good that fetched nothing.
        done = subprocess.run(["apt-get", "-qq", "-o", "APT::Update::Error-Mode=any", "update"],
                              env=env, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        why = done.stderr.strip()
    raise SystemExit(f"Debian's index of sources cannot be had:\n{why}")


def _download(name: str, pin: Pin, folder: Path, env: dict[str, str]) -> Package:
    """One source package: the pinned one, or its successor."""
    get = ["apt-get", "-qq", "--download-only", "source"]
    done = subprocess.run([*get, f"{name}={pin.version}"], cwd=folder, env=env,
                          capture_output=True, check=False)
    if done.returncode:
        _run([*get, name], cwd=folder, env=env)
    described = next(folder.glob(f"{name}_*.dsc")).read_text()
    version = re.search(r"^Version: (\S+)$", described, re.M).group(1)
    archive, debian = (
        folder / re.search(rf"^ \w+ \d+ (\S+\.{part}\.tar\.\w+)$", described, re.M).group(1)
        for part in ("orig", "debian"))
    if version != pin.version:
        print(f"{name} {version}: Debian's successor of the pinned {pin.version}")
    elif hashlib.sha256(archive.read_bytes()).hexdigest() != pin.sha256:
        raise SystemExit(f"{archive.name} is not the file that is pinned")
    return Package(version, archive, debian)


def _repair(name: str, debian: Path, tree: Path) -> None:
    """Apply the patches that came after the pinned version; SystemExit names one that fails."""
    with tempfile.TemporaryDirectory() as folder:
        _run(["tar", "-xf", str(debian), "-C", folder])
        patches = Path(folder, "debian", "patches")
        series = patches / "series"
        lines = series.read_text().splitlines() if series.exists() else []
        for line in lines:
            words = line.split("#")[0].split()
            if words and words[0] not in PINS[name].left_out:
                print(f"{name}: with Debian's {words[0]}")
                _run(["patch", "--batch", "--forward", "--quiet", "-p1", "-d", str(tree), "-i",
                      str(patches / words[0])])


def _unpack(archive: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    _run(["tar", "-xf", str(archive), "-C", str(into), "--strip-components=1"])


def _run(argv: list[str], **options) -> str:
    """What a command prints; SystemExit with its complaint when it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    except FileNotFoundError:
        raise SystemExit(f"{argv[0]} is missing: Debian's apt-get and tar are needed, for a "
                         "successor patch") from None
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)}: {(done.stderr + done.stdout).strip()}")
    return done.stdout
