"""Certificates that the tests of the image share: an authority of a provider and one device."""

import pytest
from image_forger import Forger


@pytest.fixture(scope="module")
def authority():
    """SERCA, MCA and MICA, every policy critical."""
    return Forger.create(critical_policies=True)


@pytest.fixture(scope="module")
def issued(authority):
    """A device's key and chain."""
    return authority.device(serial="1")
