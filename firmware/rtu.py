"""What a serial line needs beside a bus: loaded where the settings name one, and then kept.

    from rtu import codec          # inside a function: ON_DEMAND of tools/build/make.py
"""

from modbus import Rtu


def codec():
    """A new codec of Modbus RTU."""
    return Rtu()
