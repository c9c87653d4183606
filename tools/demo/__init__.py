"""The demonstration: utility server, simulated site and firmware on loopback, and a verdict.

Enters: a number of minutes.  Leaves: a live view, build/demo/demo.png, demo.csv, PASS or FAIL.

    python -m tools.demo --minutes 4

The verdict (`verdict.py`) knows only what the story published (`story.py`) and what the simulated
site recorded of itself; it never looks at what the firmware says.
"""
