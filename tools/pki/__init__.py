"""Certificates for the house on a PC: the four levels of IEEE 2030.5, made in a moment.

Enters: names and choices.  Leaves: SERCA, MCA, MICA, device and server certificates on P-256, as
objects or as a folder of PEM and DER files, with the device's LFDI and SFDI.

    authority = Authority.create()
    device = authority.device(serial="42")
    print(device.lfdi, device.sfdi)
    device.write(folder)

Limit: for tests and demonstrations only; keys are written unencrypted and nothing is revoked.
"""

from tools.pki.authority import Authority, Issued
from tools.pki.folder import write_folder
from tools.pki.identity import lfdi, registration_pin, sfdi

__all__ = ["Authority", "Issued", "lfdi", "registration_pin", "sfdi", "write_folder"]
