"""Runs a small program twice on MicroPython: as it is written, and slimmed.

    said, program = both({"main": "import a\\nprint(a.X)", "a": "X = 1"}, tmp_path)

`said` is what both print (AssertionError when they differ); `program` the slimmed one.
"""

import ast
import os
import subprocess

from tools.build import slim
from tools.build.emit import emit
from tools.build.make import compile_all
from tools.build.native import MICROPYTHON
from tools.build.source import Program


def both(texts, folder, on_demand=()):
    """Compile and run; both must print the same and end well."""
    plain = Program(texts, ("main",), on_demand)
    compile_all(plain, folder / "plain", {}, "-O0")
    program = Program(texts, ("main",), on_demand)
    slim(program)
    compile_all(program, folder / "slim", {}, "-O0")
    outputs = [run(folder / name) for name in ("plain", "slim")]
    shown = "\n".join(f"# {n}\n{emit(m.tree)}" for n, m in program.modules.items())
    assert outputs[0] == outputs[1], shown
    return outputs[0], program


def run(folder, module="main", heap="1m"):
    """What a bundle prints; an exception that ends it is an AssertionError."""
    done = subprocess.run([MICROPYTHON, "-X", "heapsize=" + heap, "-m", module], text=True,
                          env={**os.environ, "MICROPYPATH": f"{folder}:.frozen"},
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names(program):
    """Every identifier that stands in a program."""
    found = set()
    for module in program.modules.values():
        for node in ast.walk(module.tree):
            for field in ("id", "attr", "arg", "name", "asname"):
                value = getattr(node, field, None)
                if isinstance(value, str):
                    found.add(value)
    return found


def text(program):
    """All of a program, as it is handed to mpy-cross."""
    return "\n".join(emit(module.tree) for module in program.modules.values())
