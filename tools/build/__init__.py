"""Compiles the firmware into a bundle of .mpy files: what a board's flash or image carries.

Enters: lib/, firmware/ and one board's folder.  Leaves: build/<board>/ with one .mpy a module, and
build/<board>.json, which says what each short name was (tools/build/names.py).

    python -m tools.build unix

All modules are slimmed as one program, since a name costs heap on the device: constants become
literals (constants.py), imports lead to where a thing is defined (links.py), what nothing reaches
or reads is left out (dead.py, unread.py), modules are put together (join.py), functions that are
called once are put in place (inline.py), and names are made short and shared (names.py); those
used most come first in a module's table (order.py).  Lines are not kept: they would take 5 KB of
heap, and a trace still names the functions.

An image has the same code frozen, under its own names (frozen.py): one module, tables computed at
build time (fold.py), functions and classes as constants in flash (rom.py, romc.py).  What
functions import is a module of its own in a bundle, to be loaded on demand, and a part of the
whole in an image (hoist.py).
"""

from tools.build.make import ROOT, bundle, modules, program, slim

__all__ = ["ROOT", "bundle", "modules", "program", "slim"]
