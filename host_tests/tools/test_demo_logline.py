"""The firmware's log lines, taken apart; lines of any other shape are kept as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.demo.logline import parse

LIMIT = ('2026-11-24T16:20:01Z I LIMIT exp_w=2500 imp_w=15000 gen_w=- src=event '
         'mrid=0A1B program=/p/1 why="primacy 1 before 5"')


def test_a_line_gives_time_level_code_and_values():
    line = parse(LIMIT + "\r\n")
    assert (line.time, line.level, line.code) == ("16:20:01", "I", "LIMIT")
    assert line.pairs == {"exp_w": "2500", "imp_w": "15000", "gen_w": "-", "src": "event",
                          "mrid": "0A1B", "program": "/p/1", "why": "primacy 1 before 5"}
    assert line.said() == LIMIT[23:]


@pytest.mark.parametrize("raw, code, pairs", [
    ("- W LINK_DOWN", "LINK_DOWN", {}),
    ("- I BOOT version=0.1.0", "BOOT", {"version": "0.1.0"}),
    ("- E TASK_FAILED task=der error=\"OSError(104, 'x')\"", "TASK_FAILED",
     {"task": "der", "error": "OSError(104, 'x')"}),
    ("- W HTTP_FAILED error=OSError(111,)", "HTTP_FAILED", {"error": "OSError(111,)"}),
    ('- I X a="" b="k=v c=d" e=f=g', "X", {"a": "", "b": "k=v c=d", "e": "f=g"}),
    ("- I SOMETHING_NEW free text a=1", "SOMETHING_NEW", {"a": "1"}),
])
def test_codes_known_or_not_and_all_kinds_of_values(raw, code, pairs):
    line = parse(raw)
    assert (line.time, line.code, line.pairs) == ("", code, pairs)


@pytest.mark.parametrize("raw", [
    "Traceback (most recent call last):", '  File "main.py", line 3, in <module>',
    "", "MemoryError: ", "2026-11-24T16:20:01Z", "2026-11-24T16:20:01Z I", "- Q BOOT a=1",
    "2026-11-24T16:20:01Z I limit exp_w=1",
])
def test_what_is_no_log_line_is_kept_as_text(raw):
    line = parse(raw)
    assert (line.code, line.level, line.pairs) == ("", "", {})
    assert line.text == raw.rstrip()


def test_a_line_cut_at_any_byte_is_taken():
    whole = parse(LIMIT).pairs
    for end in range(len(LIMIT)):
        for key, value in parse(LIMIT[:end]).pairs.items():
            assert whole[key].startswith(value)


@given(st.text(max_size=80))
def test_no_text_is_too_odd_and_none_brings_control_characters(raw):
    line = parse(raw)
    assert all(c.isprintable() for c in line.said())
