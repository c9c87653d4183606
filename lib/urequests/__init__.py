"""The API of micropython-lib's requests, to be awaited: see session.py and response.py."""

from http1 import HTTPError

from .response import Response
from .session import BODY_MAX, DRAIN_MAX, Session
from .url import URL_MAX, resolve, split

__all__ = ("BODY_MAX", "DRAIN_MAX", "URL_MAX", "HTTPError", "Response", "Session", "resolve",
           "split")
