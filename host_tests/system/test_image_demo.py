"""The demonstration with the image as its device: a whole story in 64 KiB of heap.

Left out where there is no image, see host_tests/conftest.py.
"""

from test_demo import SLACK_S, STORY_S, start


def test_two_minutes_pass_on_the_image(tmp_path, need_image):
    need_image("unix32")
    demo = start("--minutes", "2", "--board", "unix32", "--out", str(tmp_path))
    said, _ = demo.communicate(timeout=STORY_S + SLACK_S)
    assert demo.returncode == 0, said
    line = next(x for x in said.splitlines() if x.startswith(("PASS", "FAIL")))
    assert line.startswith("PASS: above the limit for ")
    log = (tmp_path / "firmware.log").read_text()
    assert "board=unix32" in log and "MEMORY" not in log
    assert " 0 refused, " in said and "errors in the firmware's own log: none" in said


def test_an_image_that_is_not_there_is_named(tmp_path):
    demo = start("--minutes", "2", "--board", "none", "--out", str(tmp_path))
    said, _ = demo.communicate(timeout=SLACK_S)
    assert demo.returncode == 2 and "make image BOARD=none" in said
