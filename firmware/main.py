"""Starts the firmware: what the port runs after boot.py.

Enters: the board's module `board`.  Leaves: only at a clean stop, or with a sentence that says
which setting to mend.
"""

import gc
import sys

import board
from app import App
from config import ConfigError, load
from store import Store


def main():
    """Run until stopped; exit status 2 when the settings cannot be used."""
    store = Store(board.flash())
    try:
        conf = load(store)
    except ConfigError as exc:
        print("CONFIG_WRONG " + str(exc))
        sys.exit(2)
    # Nothing asks for the settings' rules again: their code makes room.
    del globals()["load"], globals()["ConfigError"], sys.modules["config"]
    gc.collect()
    App(board, store, conf).run()


main()
