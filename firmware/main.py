"""Starts the firmware: what the port runs after boot.py.

Enters: the board's module `board`.  Leaves: only at a clean stop, or with a sentence that says
which setting to mend.
"""

import sys

import board
from app import App
from config import ConfigError


def main():
    """Run until stopped; exit status 2 when the settings cannot be used."""
    try:
        app = App(board)
    except ConfigError as exc:
        print("CONFIG_WRONG " + str(exc))
        sys.exit(2)
    app.run()


main()
