"""Command line: `python -m tools.pki out_dir [--host localhost] [--critical-policies]`."""

import argparse

from tools.pki.folder import write_folder


def main():
    """Write the folder and print the device's LFDI and SFDI."""
    parser = argparse.ArgumentParser(prog="python -m tools.pki", description="test certificates")
    parser.add_argument("out_dir")
    parser.add_argument("--host", default="localhost", help="name or address of the server")
    parser.add_argument(
        "--critical-policies", action="store_true",
        help="certificatePolicies critical, as IEEE 2030.5 says (stock mbedTLS refuses these)",
    )
    said = parser.parse_args()
    issued = write_folder(
        said.out_dir, host=said.host, critical_policies=said.critical_policies
    )
    print("LFDI", issued["device"].lfdi)
    print("SFDI", issued["device"].sfdi)


if __name__ == "__main__":
    main()
