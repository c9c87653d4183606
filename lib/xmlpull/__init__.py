"""XML in a small window, read by pulling and written into a buffer: see reader.py, writer.py."""

from .error import XMLError
from .names import key
from .reader import END, EOF, LEAF, NEED_DATA, START, TEXT, Reader
from .writer import Writer

__all__ = ("END", "EOF", "LEAF", "NEED_DATA", "START", "TEXT", "Reader", "Writer", "XMLError",
           "key")
