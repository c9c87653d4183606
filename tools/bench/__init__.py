"""`make bench`: the figures of docs/DESIGN.md's promises, each beside what it is measured against.

Enters: the working tree.  Leaves: a table on stdout and build/bench.json.

    python -m tools.bench [--quick] [--only list]

A family is a module with ROWS, which say aim and source before anything is measured, and
`measure(quick)`, which gives {key: Reading}.  What was not measured is listed as such.  Limit:
absolute times mean little on another machine, ratios of one run do.
"""
