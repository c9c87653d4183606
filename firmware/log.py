"""The log: one line an event, `time LEVEL CODE key=value ...`, for people and for scripts.

Enters: a code and pairs of names and values.  Leaves: one line on the console.

    log.info("LIMIT", "exp_w", 1500, "src", "default")
    2026-11-24T16:20:01Z I LIMIT exp_w=1500 src=default

docs/log.md says what each code means and what to do.  Values with blanks are quoted.  Allocates:
never called from a 200 ms step.  The only firmware module that every other may import.
"""

verbose = False  # traces of failed tasks as well

_clock = None
_sink = print


def setup(clock, sink=print):
    """Take the clock (its iso() gives the line's time) and where lines go."""
    global _clock, _sink
    _clock = clock
    _sink = sink


def info(code, *pairs):
    """Something that an operator wants to see."""
    _line("I", code, pairs)


def warn(code, *pairs):
    """Something that is wrong and that the firmware deals with by itself."""
    _line("W", code, pairs)


def error(code, *pairs):
    """Something that a person must look at."""
    _line("E", code, pairs)


def text(value):
    """The value as it stands in a line: bytes as text, blanks quoted, control bytes as dots."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = "".join([chr(c) if 32 <= c < 127 else "." for c in bytes(value)])
    value = str(value)
    if len(value) > 160:
        value = value[:160] + "..."
    value = value.replace("\n", " ").replace("\r", " ").replace('"', "'")
    if " " in value or not value:
        value = '"' + value + '"'
    return value


def _line(level, code, pairs):
    out = [_clock.iso() if _clock else "-", level, code]
    for i in range(0, len(pairs) - 1, 2):
        out.append(pairs[i] + "=" + text(pairs[i + 1]))
    _sink(" ".join(out))
