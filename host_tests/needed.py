"""What a test needs of the machine: an image of today, a program. Without it the test is left out.

    path = image_or_skip("unix32")          # build/unix32/micropython
    program("nginx", "nginx")               # or apt-get install it

With MICROSEP2_IMAGE=1 in the environment, as in .ci/run, it fails instead.
"""

import os
import shutil

import pytest
from tools.build.frozen import image_of

LEFT_OUT = "left out without an image: "


def leave_out(why):
    """Skip the test; a failure where the image and all that goes with it has to be there."""
    (pytest.fail if os.environ.get("MICROSEP2_IMAGE") else pytest.skip)(LEFT_OUT + why)


def image_or_skip(board, code=None, kind=""):
    """The path of a board's image; left out when it is not of today (tools.build.frozen)."""
    path, why = image_of(board, kind, code)
    if why:
        leave_out(why)
    return path


def program(name, packages, path=None):
    """Where that program is; left out without it, `packages` of Debian being what brings it."""
    found = shutil.which(name, path=path)
    if found is None:
        leave_out(f"no {name} (Debian: apt-get install {packages})")
    return found
