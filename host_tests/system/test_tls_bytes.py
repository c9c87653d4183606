"""What TLS adds on real sockets is what day.py adds to the bytes of its lines in the clear."""

from day import RECORD
from live import Stage
from tools.bench.relay import Relay

GCM = 8  # bytes that a record is longer with GCM, which a stock interpreter speaks, than CCM-8


def test_a_write_is_a_record_and_an_answer_is_one(tmp_path):
    with Stage(tmp_path) as stage:
        stage.utility("--poll", "2")
        stage.site()
        with Relay(stage.server["port"]) as relay:
            stage.flash(server=f"https://localhost:{relay.port}{stage.server['dcap']}")
            stage.firmware().line("USAGE_POINT")
            # Between two polls nothing is on its way; a wrong sum is wrong there too.
            stage.until(lambda: adds_up(relay, stage.operator("log")["log"]))


def adds_up(relay, journal):
    """True when there was enough to count, all of it was answered, and the sums are right."""
    http = sum(entry["in"] + entry["out"] for entry in journal)
    bare = sum(entry["method"] == "GET" for entry in journal)
    full = len(journal) - bare
    asked = relay.records - relay.answers
    return (relay.sessions == 1 and bare > 40 and full > 4
            and relay.data - http == relay.records * (RECORD + GCM)
            and relay.answers == len(journal)
            # A request with a body is some writes more than one; day.py counts them.
            and bare + full < asked <= bare + 4 * full)
