"""Command line of the operator: `python -m tools.utility.admin PORT COMMAND [key=value ...]`.

    python -m tools.utility.admin 8081 publish program=p1 start=+60 duration=300 exp_w=1500
    python -m tools.utility.admin 8081 default program=p1 exp_w=1500 imp_w=1500 grad=27
    python -m tools.utility.admin 8081 fault kind=status status=500 count=3
    python -m tools.utility.admin 8081 log since=0

Enters: a command.  Leaves: the reply as JSON; exit status 1 when it was refused.
Limit: a key that is a mode's name goes into `modes`.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request

from tools.utility.control import WIRE
from tools.utility.operator import Operator

TIMEOUT_S = 10


def said_as(pairs):
    """{key: value} from key=value words, mode names gathered below `modes`."""
    out = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"key=value, not {pair}")
        if key in WIRE:
            out.setdefault("modes", {})[key] = json.loads(value)
        elif key == "programs":
            out[key] = value.split(",")
        else:
            out[key] = value
    return out


def call(port, command, said):
    """Call a command on the admin port; gives its reply.  Raises ValueError when refused."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{command}", json.dumps(said).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from None


def main():
    """Run one command."""
    operator = Operator(None)
    known = "\n".join(f"  {name:16} {getattr(operator, 'do_' + name).__doc__}"
                      for name in operator.commands())
    parser = argparse.ArgumentParser(
        prog="python -m tools.utility.admin", epilog="commands:\n" + known,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Modes: " + " ".join(WIRE),
    )
    parser.add_argument("port", type=int)
    parser.add_argument("command")
    parser.add_argument("pairs", nargs="*", metavar="key=value")
    args = parser.parse_args()
    try:
        print(json.dumps(call(args.port, args.command, said_as(args.pairs)), indent=1))
    except (ValueError, OSError) as error:
        sys.exit(f"refused: {error}")


if __name__ == "__main__":
    main()
