"""HTTP/1.1 as bytes in, events out: reader.py for responses, writer.py for request heads."""

from .reader import BODY, END, HEAD, NEED_DATA, HTTPError, Reader
from .writer import write_head

__all__ = ("BODY", "END", "HEAD", "NEED_DATA", "HTTPError", "Reader", "write_head")
