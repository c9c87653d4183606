"""Too little memory for a handshake is never taken for a wrong CA: the image, TLS in its heap.

Where mbedTLS runs out of memory while it checks a signature, it says that the certificate is not
signed by the trusted CA; a little below it names its allocator, far below it is ENOMEM.  Left out
where there is no image, see host_tests/conftest.py.
"""

import signal

import pytest
from tools.bench.image import Client
from tools.build.frozen import image_command

KIND = "-tls-in-heap"
LOW_KIB, HIGH_KIB, STEP_KIB = 70, 100, 2
ENOUGH_KIB = 128
WAIT_S = 40


def begun(client, kib):
    """The line that says how the first connection went in that heap."""
    argv, env = image_command("unix32", client.folder / "flash", f"{kib}k", KIND)
    firmware = client._start(argv, env)
    try:
        return firmware.line("LINK_DOWN|TREE_COMPLETE", WAIT_S)
    finally:
        firmware.end(signal.SIGKILL)


def test_memory_that_is_short_is_named(tmp_path, need_image):
    need_image("unix32", kind=KIND)
    with Client(tmp_path, KIND) as client:
        client.furnish(1)
        said = []
        for kib in range(LOW_KIB, HIGH_KIB, STEP_KIB):
            said.append(begun(client, kib))
            if "TREE_COMPLETE" in said[-1]:
                break
            assert "why=NO_MEMORY" in said[-1], (kib, said[-1])
    assert len(said) > 1 and "TREE_COMPLETE" in said[-1], said


@pytest.mark.parametrize("server, why", [
    ("wrong/foreign-server", "CA_UNKNOWN"), ("wrong/future-server", "CLOCK_BEHIND"),
    ("wrong/expired-server", "CERT_EXPIRED"), ("wrong/other-host-server", "WRONG_HOST")])
def test_with_enough_of_it_each_wrong_server_has_its_own_name(tmp_path, need_image, server, why):
    need_image("unix32", kind=KIND)
    with Client(tmp_path, KIND) as client:
        client.utility("--server-cert", server)
        client.site()
        client.flash()
        assert f"why={why} " in begun(client, ENOUGH_KIB)
