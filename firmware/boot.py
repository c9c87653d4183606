"""Runs first, before anything can fail: a heap that collects early keeps its gaps large."""

import gc

gc.threshold(8192)
