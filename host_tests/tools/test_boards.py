"""The board folders: one set of names, manifests and cmake files that MicroPython's tools take.

MicroPython's own manifestfile.py, py/usermod.cmake and ports' makefiles are those of the source
tree that `make image BOARD=unix32` has unpacked; without it, or without cmake, what needs them is
skipped.  No toolchain of a hardware board is needed: a stand-in takes the place of the port's
CMakeLists.txt and does with the board's folder what that does.
"""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.image.port import PORTS, port_image, variants

ROOT = Path(__file__).resolve().parents[2]
BOARDS = ROOT / "boards"
TREE = ROOT / "build" / "image" / "source"
WITH_TREE = pytest.mark.skipif(not (TREE / "versions.txt").exists(),
                               reason="no MicroPython source: make image BOARD=unix32 unpacks it")
WITH_CMAKE = pytest.mark.skipif(shutil.which("cmake") is None or shutil.which("gcc") is None,
                                reason="cmake and a C compiler are not on this machine")
HARDWARE = pytest.mark.parametrize("board", sorted(PORTS))
EVERY = [("rp2", None), ("rp2", "WIFI"), ("rp2", "RP2040"), ("esp32", None), ("esp32", "SPIRAM")]


def public(board):
    """{name: its arguments, or None for a constant} that a board's board.py gives."""
    found = {}
    for node in ast.parse((BOARDS / board / "board.py").read_text()).body:
        if isinstance(node, ast.Assign):
            found.update({t.id: None for t in node.targets if isinstance(t, ast.Name)})
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = [a.arg for a in node.args.args] if hasattr(node, "args") else None
    return {name: args for name, args in found.items() if not name.startswith("_")}


def test_every_board_gives_the_same_names_with_the_same_arguments():
    boards = sorted(f.parent.name for f in BOARDS.glob("*/board.py"))
    assert {"unix", "unix32", "esp32", "rp2"} <= set(boards)
    for board in boards:
        assert public(board) == public("unix"), board


def test_streams_have_the_methods_that_the_bus_calls():
    for board in ("unix", "unix32", "esp32", "rp2"):
        file = "tty.py" if board.startswith("unix") else "board.py"
        tree = ast.parse((BOARDS / board / file).read_text())
        stream = next(n for n in tree.body if isinstance(n, ast.ClassDef))
        methods = {n.name: [a.arg for a in n.args.args] for n in stream.body
                   if isinstance(n, ast.FunctionDef)}
        assert methods["readinto"] == ["self", "buf"] and methods["write"] == ["self", "buf", "n"]
        assert methods["close"] == ["self"]
        assert "self.file = " in ast.unparse(stream)


@HARDWARE
def test_a_board_has_its_files_and_says_what_was_not_run(board):
    for name in ("README.md", "board.py", "manifest.py", "mpconfigboard.cmake", "mpconfigboard.h"):
        assert (BOARDS / board / name).exists(), name
    text = (BOARDS / board / "README.md").read_text()
    assert "not run" in text
    pins = (BOARDS / board / "board.py").read_text().split("_UARTS = ")[1].split("\n")[0]
    for tx, rx, send in ast.literal_eval(pins).values():
        assert f"| {tx} | {rx} | {send} |" in text, "the table of pins is that of board.py"


@WITH_TREE
@HARDWARE
def test_the_manifest_freezes_the_whole_program(board):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1] + '/tools')\n"
        "import manifestfile as m\n"
        "paths = {'MPY_DIR': sys.argv[1], 'PORT_DIR': sys.argv[1] + '/ports/' + sys.argv[2],\n"
        "         'BOARD_DIR': sys.argv[3], 'MPY_LIB_DIR': sys.argv[3]}\n"
        "f = m.ManifestFile(m.MODE_FREEZE, paths)\n"
        "f.execute(sys.argv[3] + '/manifest.py')\n"
        "print('\\n'.join(row.target_path for row in f.files()))\n")
    done = subprocess.run([sys.executable, "-c", script, str(TREE), board, str(BOARDS / board)],
                          capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    frozen = set(done.stdout.split())
    assert {"main.py", "boot.py", "_boot.py"} <= frozen
    assert f"NAME = '{board}'" in (ROOT / "build" / board / "frozen" / "main.py").read_text() \
        or (ROOT / "build" / board / "frozen" / "board.py").exists()


STAND_IN = """\
# Does with a board's folder what ports/{port}/CMakeLists.txt does, and builds no firmware.
cmake_minimum_required(VERSION 3.13)
get_filename_component(MICROPY_DIR "../.." ABSOLUTE)
set(MICROPY_PORT_DIR ${{CMAKE_CURRENT_LIST_DIR}})
if(NOT EXISTS ${{MICROPY_BOARD_DIR}}/mpconfigboard.cmake)
    message(FATAL_ERROR "Invalid MICROPY_BOARD specified: ${{MICROPY_BOARD}}")
endif()
include(${{MICROPY_BOARD_DIR}}/mpconfigboard.cmake)
if(NOT MICROPY_BOARD_VARIANT)
    include(${{MICROPY_BOARD_DIR}}/mpconfigvariant.cmake OPTIONAL)
else()
    include(${{MICROPY_BOARD_DIR}}/mpconfigvariant_${{MICROPY_BOARD_VARIANT}}.cmake)
endif()
foreach(default ${{SDKCONFIG_DEFAULTS}})
    file(READ ${{default}} contents)
    file(APPEND ${{CMAKE_BINARY_DIR}}/sdkconfig.combined "${{contents}}")
endforeach()
project(firmware C)
include(${{MICROPY_DIR}}/py/usermod.cmake)
usermod_gather_sources(SOURCES DIRECTORIES INCLUDED usermod)
file(WRITE ${{CMAKE_BINARY_DIR}}/main.c "int main(void) {{ return 0; }}")
add_executable(firmware ${{CMAKE_BINARY_DIR}}/main.c)
get_target_property(options usermod_sep2x509 INTERFACE_LINK_OPTIONS)
target_link_options(firmware PRIVATE ${{options}})
get_directory_property(definitions COMPILE_DEFINITIONS)
foreach(name MICROPY_FROZEN_MANIFEST MBEDTLS_CONFIG_FILE PICO_BOARD PICO_PLATFORM MICROPY_PY_LWIP
        MICROPY_PY_NETWORK_WIZNET5K MICROPY_PY_NETWORK_CYW43 SOURCES options definitions)
    string(APPEND said "${{name}}=${{${{name}}}}\\n")
endforeach()
add_custom_command(TARGET firmware POST_BUILD COMMAND
    ${{CMAKE_COMMAND}} -E copy firmware ${{CMAKE_BINARY_DIR}}/firmware.uf2 COMMAND
    ${{CMAKE_COMMAND}} -E copy firmware ${{CMAKE_BINARY_DIR}}/firmware.bin)
file(WRITE ${{CMAKE_BINARY_DIR}}/said.txt "${{said}}")
"""


def checkout(folder, board):
    """A MicroPython checkout whose port has the stand-in for its CMakeLists.txt."""
    port = folder / "ports" / board
    port.mkdir(parents=True)
    for name in ("py/usermod.cmake", "py/verbose.mk"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(TREE / name, folder / name)
    shutil.copy(TREE / "ports" / board / "Makefile", port / "Makefile")
    shutil.copytree(TREE / "ports" / board / "boards", port / "boards",
                    ignore=lambda _folder, names: [n for n in names if n.isupper()])
    (port / "makeimg.py").write_text("")  # joins IDF's boot loader and ours: neither is built here
    (port / "CMakeLists.txt").write_text(STAND_IN.format(port=board))
    for name in PORTS[board].modules:
        (folder / name).mkdir(parents=True)
        (folder / name / "README.md").touch()
    return folder


def tools_of(board, folder):
    """A PATH on which the toolchain seems to be; idf.py does what the real one begins with."""
    folder.mkdir()
    (folder / "arm-none-eabi-gcc").symlink_to(shutil.which("gcc"))
    idf = folder / "idf.py"
    idf.write_text('#!/bin/sh\nset -e\nargs=\nwhile [ $# -gt 0 ]; do case "$1" in\n'
                   '-D) args="$args -D$2"; shift 2;; -D*) args="$args $1"; shift;;\n'
                   '-B) out="$2"; shift 2;; *) shift;; esac; done\n'
                   'cmake -S . -B "$out" $args\nmake -C "$out"\n')
    idf.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@WITH_TREE
@WITH_CMAKE
@pytest.mark.parametrize("board, variant", EVERY)
def test_the_ports_build_finds_module_settings_and_manifest(board, variant, tmp_path, monkeypatch):
    tree = checkout(tmp_path / "micropython", board)
    monkeypatch.setenv("PATH", tools_of(board, tmp_path / "bin"))
    path = port_image(board, tree, variant=variant, out=tmp_path / "out")
    assert path == tmp_path / "out" / PORTS[board].leaves and path.stat().st_size > 1000
    build = next((tmp_path / "out").glob("build*/said.txt")).parent
    said = dict(line.split("=", 1) for line in (build / "said.txt").read_text().splitlines())
    assert Path(said["MICROPY_FROZEN_MANIFEST"]).resolve() == BOARDS / board / "manifest.py"
    assert said["SOURCES"].endswith("sep2x509.c") and Path(said["SOURCES"]).exists()
    wraps = [f"--wrap=mbedtls_x509_crt_parse{end}" for end in ("", "_der", "_der_nocopy")]
    assert said["options"].split(";") == ["-Wl," + wrap for wrap in wraps]
    link = (build / "CMakeFiles" / "firmware.dir" / "link.txt").read_text()
    assert all("-Wl," + wrap in link for wrap in wraps)
    if board == "rp2":
        assert Path(said["MBEDTLS_CONFIG_FILE"]).resolve() == BOARDS / "mbedtls/sep2_mbedtls.h"
        assert said["MICROPY_PY_LWIP"] and said["PICO_BOARD"]
        assert bool(said["MICROPY_PY_NETWORK_CYW43"]) == (variant == "WIFI")
        assert (said["MICROPY_PY_NETWORK_WIZNET5K"] == "W5500") == (variant != "WIFI")
        assert (said["PICO_PLATFORM"] == "rp2350") == (variant != "RP2040")
    else:
        config = (build / "sdkconfig.combined").read_text()
        assert "CONFIG_MBEDTLS_CCM_C=y" in config and "CONFIG_MBEDTLS_HAVE_TIME_DATE=y" in config
        assert ("CONFIG_SPIRAM=y" in config) == (variant == "SPIRAM")


@WITH_TREE
@WITH_CMAKE
@pytest.mark.parametrize("board, variant", EVERY)
def test_the_boards_header_compiles_with_what_its_cmake_files_define(board, variant, tmp_path):
    source = tmp_path / "board.c"
    source.write_text('#include "mpconfigboard.h"\nint main(void) { return 0; }\n')
    define = {"WIFI": "-DMICROPY_PY_NETWORK_CYW43=1", None: "", "RP2040": "", "SPIRAM": ""}
    argv = ["gcc", "-Wall", "-Werror", "-fsyntax-only", "-I", str(BOARDS / board), str(source)]
    argv += [define[variant]] if define[variant] else []
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 0


def test_what_is_missing_is_said_before_the_build_begins(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="MPY_DIR"):
        port_image("rp2", tmp_path)
    (tmp_path / "ports" / "rp2").mkdir(parents=True)
    (tmp_path / "ports" / "rp2" / "Makefile").touch()
    with pytest.raises(SystemExit, match=r"lib/pico-sdk.*submodules"):
        port_image("rp2", tmp_path)
    for name in PORTS["rp2"].modules:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "README.md").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"arm-none-eabi-gcc.*apt-get install"):
        port_image("rp2", tmp_path)
    monkeypatch.undo()
    monkeypatch.setenv("PATH", tools_of("rp2", tmp_path / "bin") if shutil.which("gcc") else "")
    if shutil.which("cmake") and shutil.which("gcc"):
        with pytest.raises(SystemExit, match="no variant WI-FI, but: RP2040, WIFI"):
            port_image("rp2", tmp_path, variant="WI-FI")


def test_the_command_line_asks_for_the_checkout(monkeypatch):
    env = {k: v for k, v in os.environ.items() if k != "MPY_DIR"}
    done = subprocess.run([sys.executable, "-m", "tools.image", "rp2"], env=env, cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "MPY_DIR=dir" in done.stderr
    assert variants("esp32") == "SPIRAM"
