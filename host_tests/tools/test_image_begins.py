"""tools/image/build.py: an image that is its parent's but for the code begins with its objects."""

import os

import pytest
from tools.image import build
from tools.image.build import BOARDS, as_its_parent


@pytest.mark.parametrize("name", ["virtual", "units"])
def test_the_images_of_tests_have_the_settings_of_their_parent(name):
    assert as_its_parent(BOARDS / "unix32" / name)


@pytest.mark.parametrize("name, more", [
    ("mpconfigvariant.mk", "CFLAGS += -DX"), ("mpconfigvariant.h", "#define X (1)")])
def test_one_with_a_setting_of_its_own_has_its_own_objects(tmp_path, name, more):
    for file in ("mpconfigvariant.mk", "mpconfigvariant.h"):
        text = (BOARDS / "unix32" / "units" / file).read_text()
        (tmp_path / file).write_text(text + (more + "\n" if file == name else ""))
    assert not as_its_parent(tmp_path)


def test_the_board_itself_is_nobodys_child():
    assert not as_its_parent(BOARDS / "unix32")


@pytest.fixture
def built(tmp_path):
    """What the build of a board leaves: objects with times, and what has its code in it."""
    parent, settings = tmp_path / "objects" / "board", tmp_path / "boards" / "board"
    for name in ("py/gc.o", "py/modsys.o", "genhdr/qstr.h", "frozen_mpy/app.mpy", "units/py/gc.o",
                 "frozen_content.c", "frozen_content.o", "micropython"):
        path = parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    os.utime(parent / "py" / "gc.o", (1e9, 1e9))
    (parent / "py" / "gc.P").write_text(f"{parent}/py/gc.o: ../gc.c {parent}/genhdr/qstr.h\n")
    (settings / "units").mkdir(parents=True)
    (settings / "units" / "mpconfigvariant.mk").touch()
    os.utime(settings / "units" / "mpconfigvariant.mk", (1e9, 1e9))
    return parent, settings


def test_objects_keep_their_times_and_depend_on_headers_of_their_own(built):
    parent, settings = built
    objects = parent / "units2"
    build._begin_with(parent, objects, settings)
    left = {str(p.relative_to(objects)) for p in objects.rglob("*") if p.is_file()}
    assert left == {"py/gc.o", "py/gc.P", "genhdr/qstr.h"}
    assert (objects / "py" / "gc.o").stat().st_mtime == 1e9
    assert (objects / "py" / "gc.P").read_text() == \
        f"{objects}/py/gc.o: ../gc.c {objects}/genhdr/qstr.h\n"


def test_nothing_is_taken_from_a_parent_that_is_not_built_or_has_newer_settings(built):
    parent, settings = built
    (settings / "mpconfigvariant.h").touch()
    os.utime(settings / "mpconfigvariant.h", (4e9, 4e9))
    build._begin_with(parent, parent.with_name("other"), settings)
    assert not parent.exists() and not parent.with_name("other").exists()
