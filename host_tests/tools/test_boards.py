"""The board folders: one set of names, manifests and cmake files that MicroPython's tools take.

MicroPython's own manifestfile.py, py/usermod.cmake and ports' makefiles are those of the source
tree that `make image BOARD=unix32` has unpacked; without it, or without cmake, what needs them is
skipped, or fails under MICROSEP2_IMAGE=1 (host_tests/conftest.py).  No toolchain of a hardware
board is needed: a stand-in takes the place of the port's CMakeLists.txt and does with the board's
folder what that does.  What the port's build compiles of ours goes through the compilers that are
here: mpy-cross for the board's processor, gcc for 32 bits over the unix port's headers, and
mbedTLS's own checks over rp2's settings.  Limit: the SDKs' headers are not here.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from needed import leave_out, program

from tools.build.native import MICROPYTHON
from tools.image.port import PORTS, port_image, variants

ROOT = Path(__file__).resolve().parents[2]
BOARDS = ROOT / "boards"
WORK = ROOT / "build" / "image"
TREE = WORK / "source"
WITH_TREE = pytest.mark.usefixtures("tree")
WITH_CMAKE = pytest.mark.usefixtures("cmake")
WITH_IMAGE = pytest.mark.usefixtures("built")
HARDWARE = pytest.mark.parametrize("board", sorted(PORTS))
EVERY = [("rp2", None), ("rp2", "WIFI"), ("rp2", "RP2040"), ("esp32", None), ("esp32", "SPIRAM")]


@pytest.fixture
def tree():
    if not (TREE / "versions.txt").exists():
        leave_out("no MicroPython source: make image BOARD=unix32 unpacks it")


@pytest.fixture
def built():
    for path in (WORK / "mpy-cross" / "mpy-cross", WORK / "unix32" / "genhdr" / "moduledefs.h"):
        if not path.exists():
            leave_out("no mpy-cross, no generated headers: make image BOARD=unix32 makes them")


@pytest.fixture
def cmake():
    for name in ("cmake", "make", "gcc"):
        program(name, "cmake gcc make")


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


def test_an_esp32_asks_for_compressed_pages_where_psram_makes_room():
    tree = ast.parse((BOARDS / "esp32" / "board.py").read_text())
    said = next(ast.unparse(n.value) for n in tree.body
                if isinstance(n, ast.Assign) and n.targets[0].id == "GZIP")
    for heap, size in (("130k", "0"), ("4m", "8192")):
        assert run([MICROPYTHON, "-X", f"heapsize={heap}", "-c",
                    f"import gc; print({said})"]).strip() == size, heap


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


@WITH_CMAKE
def test_a_variant_that_is_none_is_refused_with_those_that_are(tmp_path, monkeypatch):
    port = tmp_path / "ports" / "rp2"
    port.mkdir(parents=True)
    (port / "Makefile").touch()
    for name in PORTS["rp2"].modules:
        (tmp_path / name / "there").mkdir(parents=True)
    monkeypatch.setenv("PATH", tools_of("rp2", tmp_path / "bin"))
    with pytest.raises(SystemExit, match="no variant WI-FI, but: RP2040, WIFI"):
        port_image("rp2", tmp_path, variant="WI-FI")


def test_the_command_line_asks_for_the_checkout(monkeypatch):
    env = {k: v for k, v in os.environ.items() if k != "MPY_DIR"}
    done = subprocess.run([sys.executable, "-m", "tools.image", "rp2"], env=env, cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "MPY_DIR=dir" in done.stderr
    assert variants("esp32") == "SPIRAM"


MARCH = {"rp2": "armv6m", "esp32": "xtensawin"}  # as their CMake files say
CC = ["gcc", "-m32", "-std=gnu99", "-Wall", "-Werror", "-c"]


def run(argv, **more):
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, check=False,
                          **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def includes(*folders):
    return [f"-I{folder}" for folder in folders]


UNIX = [*includes(TREE, WORK / "unix32", TREE / "ports" / "unix", BOARDS / "unix32"), "-DUNIX",
        "-DMPZ_DIG_SIZE=16", "-DMICROPY_QSTR_EXTRA_POOL=mp_qstr_frozen_const_pool",
        "-DMICROPY_MODULE_FROZEN_MPY", "-DMICROPY_PY_SSL=1", "-DMICROPY_SSL_MBEDTLS=1"]


@WITH_IMAGE
@HARDWARE
def test_the_frozen_program_becomes_c_that_a_compiler_takes(board, tmp_path):
    port = TREE / "ports" / board
    said = "".join(f.read_text() for f in (*port.glob("CMakeLists.txt"), *port.glob("*.cmake")))
    assert f"-march={MARCH[board]}" in said
    (tmp_path / "genhdr").symlink_to(WORK / "unix32" / "genhdr")
    made = tmp_path / "frozen_content.c"
    run([sys.executable, TREE / "tools" / "makemanifest.py", "-o", made, "-b", tmp_path,
         "-v", f"MPY_DIR={TREE}", "-v", f"PORT_DIR={port}", "-v", f"BOARD_DIR={BOARDS / board}",
         "-v", f"MPY_LIB_DIR={tmp_path}", f"-f-march={MARCH[board]}", "--mpy-tool-flags=",
         BOARDS / board / "manifest.py"], cwd=ROOT,
        env={**os.environ, "MICROPY_MPYCROSS": str(WORK / "mpy-cross" / "mpy-cross")})
    run([*CC, *UNIX, made, "-o", tmp_path / "frozen.o"])
    sizes = dict(re.findall(r"^(\.\S+)\s+(\d+)", run(["size", "-A", tmp_path / "frozen.o"]), re.M))
    assert int(sizes[".rodata"]) > 100_000, "its functions are constants"
    assert int(sizes[".data"]) < 1024, sizes
    names = run(["strings", "-n", "3", tmp_path / "frozen.o"]).split()
    assert {"main.py", "boot.py", "_boot.py", "app.py"} <= set(names)


@pytest.fixture
def settings(tmp_path):
    """Options under which mbedTLS has our settings over those of the rp2 port."""
    place = tmp_path / "rp2" / "mbedtls"
    place.mkdir(parents=True)
    shutil.copy(TREE / "ports" / "rp2" / "mbedtls" / "mbedtls_config_port.h", place)
    return [*includes(tmp_path / "rp2", BOARDS / "mbedtls", TREE / "lib" / "mbedtls" / "include"),
            '-DMBEDTLS_CONFIG_FILE="sep2_mbedtls.h"']


@WITH_IMAGE
def test_the_rp2_port_gets_the_tls_of_the_standard(settings, tmp_path):
    source = tmp_path / "tls.c"
    source.write_text('#include "mbedtls/build_info.h"\n#include "mbedtls/ssl_ciphersuites.h"\n')
    run([*CC, *includes(TREE), *settings, source, "-o", tmp_path / "tls.o"])  # mbedTLS checks
    text = run(["gcc", "-m32", "-E", "-dM", *includes(TREE), *settings, source])
    macros = dict(line.split(" ", 2)[1:] if line.count(" ") > 1 else (line.split(" ")[1], "")
                  for line in text.splitlines())
    suites = macros["MBEDTLS_SSL_CIPHERSUITES"].split(", ")
    assert [s.strip().removeprefix("MBEDTLS_TLS_ECDHE_ECDSA_WITH_") for s in suites] == [
        "AES_128_CCM_8", "AES_128_GCM_SHA256"]
    curves = {name for name in macros if re.fullmatch(r"MBEDTLS_ECP_DP_\w+_ENABLED", name)}
    assert curves == {"MBEDTLS_ECP_DP_SECP256R1_ENABLED"}
    assert {"MBEDTLS_HAVE_TIME_DATE", "MBEDTLS_ECP_NIST_OPTIM", "MBEDTLS_PEM_PARSE_C",
            "MBEDTLS_SSL_PROTO_TLS1_2", "MBEDTLS_X509_CRT_PARSE_C"} <= set(macros)
    assert not {"MBEDTLS_RSA_C", "MBEDTLS_SSL_PROTO_TLS1_3"} & set(macros)


@WITH_IMAGE
def test_the_user_module_compiles_over_the_rp2_ports_tls(settings, tmp_path):
    made = tmp_path / "sep2x509.o"
    run([*CC, *settings, *UNIX, BOARDS / "sep2x509" / "sep2x509.c", "-o", made])
    symbols = run(["nm", made])
    defined = set(re.findall(r" T __wrap_(\w+)", symbols))
    assert defined == {"mbedtls_x509_crt_parse", "mbedtls_x509_crt_parse_der",
                       "mbedtls_x509_crt_parse_der_nocopy"}
    wrapped = {f: set(re.findall(r"--wrap=(\w+)", (BOARDS / "sep2x509" / f).read_text()))
               for f in ("micropython.mk", "micropython.cmake")}
    assert wrapped == dict.fromkeys(wrapped, defined), "each of them, in either build"
