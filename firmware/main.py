"""Starts the firmware: what the port runs after boot.py.

Enters: the board's module `board`.  Leaves: only at a clean stop, or with a sentence that says
which setting to mend.
"""

import gc
import sys

import board
import config
from app import App
from store import Store


def main():
    """Run until stopped; exit status 2 when the settings cannot be used."""
    global config
    store = Store(board.flash())
    try:
        conf = config.load(store)
    except config.ConfigError as exc:
        print("CONFIG_WRONG " + str(exc))
        sys.exit(2)
    # Nothing asks for the settings' rules again: their code makes room.
    del config, sys.modules["config"]
    gc.collect()
    App(board, store, conf).run()


main()
