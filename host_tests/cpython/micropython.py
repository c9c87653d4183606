"""Stands in for MicroPython's own module where the pure packages run on CPython."""


def const(value):
    """The value itself: the compiler's constant folding is MicroPython's alone."""
    return value


def native(function):
    """The function itself."""
    return function


viper = native
