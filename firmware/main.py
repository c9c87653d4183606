"""Starts the firmware: what the port runs after boot.py.

Enters: the board's module `board`.  Leaves: only at a clean stop, or with a sentence that says
which setting to mend.
"""

import gc
import sys

gc.threshold(1024)  # while code is loaded: garbage between its pieces would stay as holes

import board
import config
from app import App
from store import Store


def settings(store):
    """The settings of config.txt; exit status 2 when they cannot be used."""
    try:
        return config.load(store)
    except config.ConfigError as exc:
        print("CONFIG_WRONG " + str(exc))
        sys.exit(2)


def forget():
    """Let go of the settings' rules, for nothing asks for them again.

    A function of its own: in the frame that runs on, a stale reference would keep them.  None
    first, since `del` leaves the value in its dict where the collector still finds it.
    """
    global config
    config = sys.modules["config"] = None
    del config, sys.modules["config"]


def main():
    """Run until stopped."""
    store = Store(board.flash())
    conf = settings(store)
    forget()
    gc.collect()
    app = App(board, store, conf)
    gc.threshold(gc.mem_free() // 4)  # from now on what is thrown away is small and lies together
    app.run()


main()
