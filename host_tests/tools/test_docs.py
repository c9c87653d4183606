"""What the documents name is there: files, tests, settings, commands."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host_tests" / "cpython"), str(ROOT / "firmware")]

import config

SHORT = {"u/": "unix/", "s/": "system/", "c/": "cpython/"}


def test_every_test_that_conformance_names_is_there():
    text = (ROOT / "docs" / "conformance.md").read_text()
    named = re.findall(r"\b([usc]/)(test_\w+\.py)", text)
    assert len(named) > 40
    for folder, name in named:
        assert (ROOT / "host_tests" / SHORT[folder] / name).exists(), name


def test_every_source_that_conformance_names_is_there():
    text = (ROOT / "docs" / "conformance.md").read_text()
    for name in set(re.findall(r"\b((?:lib|firmware|boards)/[\w/]+(?:\.py)?)", text)):
        assert (ROOT / name).exists(), name


def test_every_path_that_the_readme_names_is_there():
    text = (ROOT / "README.md").read_text()
    folders = "host_tests|docs|lib|firmware|tools|boards"
    for name in set(re.findall(rf"`((?:{folders})/[\w/.]*)`", text)):
        assert (ROOT / name).exists(), name
    promised = text.split("| promise |")[1].split("```")[0]
    for name in re.findall(r"`(test_\w+\.py)`", promised):
        assert list((ROOT / "host_tests").rglob(name)), name


def test_the_readme_has_every_setting_with_its_range():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", (ROOT / "README.md").read_text(), re.M))
    assert set(config.KEYS) == set(rows)
    for key, (kind, low, high, _default, _about) in config.KEYS.items():
        if kind == config.INT and key != "meter_sign":
            assert f"{low} to {high}" in rows[key], key


def test_make_help_lists_what_the_readme_uses():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z]+)\b", (ROOT / "README.md").read_text())):
        assert re.search(rf"^{target}:.*## ", makefile, re.M), target
