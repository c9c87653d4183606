"""Command line of tools.pki.

    python -m tools.pki DIR [--host localhost]                test certificates of all kinds
    python -m tools.pki authority DIR [--name Example]        SERCA, MCA and MICA with their keys
    python -m tools.pki issue --authority DIR --csr PATH... --out DIR

`--critical-policies` makes certificatePolicies critical, as IEEE 2030.5 says; a stock mbedTLS
refuses those.  `issue` takes an authority's folder with the MICA's key, and requests: files, or
folders of .csr, .pem and .der.
"""

import argparse
import sys

from tools.pki.authority import Authority
from tools.pki.folder import write_folder
from tools.pki.provider import issue_all_requests, requests_in


def _folder(argv):
    parser = argparse.ArgumentParser(prog="python -m tools.pki", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    parser.add_argument("--host", default="localhost", help="name or address of the server")
    parser.add_argument("--critical-policies", action="store_true")
    said = parser.parse_args(argv)
    issued = write_folder(
        said.out_dir, host=said.host, critical_policies=said.critical_policies
    )
    print("LFDI", issued["device"].lfdi)
    print("SFDI", issued["device"].sfdi)
    return 0


def _authority(argv):
    parser = argparse.ArgumentParser(prog="python -m tools.pki authority")
    parser.add_argument("dir")
    parser.add_argument("--name", default="Example", help="what the names begin with")
    parser.add_argument("--critical-policies", action="store_true")
    said = parser.parse_args(argv)
    Authority.create(name=said.name, critical_policies=said.critical_policies).write(said.dir)
    return 0


def _issue(argv):
    parser = argparse.ArgumentParser(prog="python -m tools.pki issue")
    parser.add_argument("--authority", required=True, help="folder that `authority` wrote")
    parser.add_argument("--csr", required=True, nargs="+", help="requests, or folders of them")
    parser.add_argument("--out", required=True)
    parser.add_argument("--first-serial", type=int, default=1)
    said = parser.parse_args(argv)
    rows = issue_all_requests(said.authority, requests_in(said.csr), said.out,
                              first_serial=said.first_serial)
    for row in rows:
        if row.why:
            print(row.name, "refused:", row.why)
        else:
            print(row.name, "LFDI", row.lfdi, "SFDI", row.sfdi)
    return 1 if not rows or any(row.why for row in rows) else 0


def main(argv):
    """Run one of the three; returns the exit status."""
    commands = {"authority": _authority, "issue": _issue}
    if argv and argv[0] in commands:
        return commands[argv[0]](argv[1:])
    return _folder(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
