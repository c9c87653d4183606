"""What a certificate provider does (handbook Annex C): a folder of CSRs in, certificates out.

Enters: an authority's folder with the MICA's key, files with PKCS#10 requests.  Leaves: for each a
PEM file with the whole chain, leaf first and SERCA last, and `devices.csv` with what the utility
has to know of each device.

    for row in issue_all_requests("authority", sorted(Path("csr").iterdir()), "issued"):
        print(row.name, row.lfdi, row.why)

Limit: the request is trusted for its key alone: whatever subject it names is left out.
"""

import csv
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tools.pki.authority import BULK_CERTIFICATE, DEVICE_GENERIC, TEST_CERTIFICATE, Authority

COLUMNS = ("name", "serial", "lfdi", "sfdi", "not_after")
SUFFIXES = (".csr", ".pem", ".der")


class RequestError(Exception):
    """A request that no provider would fulfil; the text says why."""


class Row(NamedTuple):
    """What became of one request: `why` is empty when a certificate was issued."""

    name: str
    serial: str = ""
    lfdi: str = ""
    sfdi: int = 0
    not_after: str = ""
    why: str = ""


def read_request(data):
    """The public key of a PKCS#10 request, PEM or DER. RequestError says what is wrong with it."""
    try:
        pem = data.lstrip().startswith(b"-----BEGIN")
        request = (x509.load_pem_x509_csr if pem else x509.load_der_x509_csr)(data)
        valid = request.is_signature_valid
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise RequestError("not a PKCS#10 request") from exc
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RequestError("the key is not on P-256")
    if not valid:
        raise RequestError("the request's signature is wrong")
    return key


def chain_pem(issued):
    """The file that the customer gets: leaf, MICA, MCA, SERCA (handbook Annex C)."""
    return b"".join(c.public_bytes(serialization.Encoding.PEM)
                    for c in [*issued.chain, issued.root])


def issue_all_requests(authority, requests, out, *, policies=None, first_serial=1):
    """Issue one certificate for each file of `requests`; gives a list of Row.

    `authority`: an Authority or its folder.  Serial numbers of the HardwareModuleName count from
    `first_serial`.  More than one request makes them bulk certificates unless `policies` says
    otherwise.  A key is served once: a second request with it is refused.
    """
    if not isinstance(authority, Authority):
        authority = Authority.read(authority)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    requests = [Path(r) for r in requests]
    kind = BULK_CERTIFICATE if len(requests) > 1 else TEST_CERTIFICATE
    rows, served = [], set()
    for number, request in enumerate(requests, first_serial):
        try:
            key = read_request(request.read_bytes())
            point = key.public_numbers()
            if point in served:
                raise RequestError("another request has the same key")
            served.add(point)
        except RequestError as exc:
            rows.append(Row(request.stem, why=str(exc)))
            continue
        issued = authority.device(serial=str(number), public_key=key,
                                  policies=policies or [DEVICE_GENERIC, kind])
        (out / (request.stem + ".pem")).write_bytes(chain_pem(issued))
        until = issued.chain[0].not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
        rows.append(Row(request.stem, str(number), issued.lfdi, issued.sfdi, until))
    _list(out / "devices.csv", rows)
    return rows


def requests_in(paths):
    """The request files that are meant by files and folders, sorted within each folder."""
    found = []
    for path in map(Path, paths):
        found += sorted(f for f in path.iterdir() if f.suffix in SUFFIXES) if path.is_dir() \
            else [path]
    return found


def _list(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([getattr(row, c) for c in COLUMNS] for row in rows if not row.why)
