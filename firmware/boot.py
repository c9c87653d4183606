"""Runs first, before anything can fail: a heap that collects early keeps its gaps together."""

import gc

gc.threshold(1024)
