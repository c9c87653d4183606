# heap: 256k
"""Test procedures of the requirements as timelines: what is in force, and the response log."""

import check
from der import DEFAULT, NONE
from der.record import ABSENT, CONNECT, EXP_LIM_W, GEN_LIM_W, IMP_LIM_W, MODES
from der_bench import Bench

E, G, I = EXP_LIM_W, GEN_LIM_W, IMP_LIM_W  # noqa: E741
P1, P2 = 0, 5  # program 1 has primacy 1 and a default, program 6 has primacy 2
WMAX = 10000


class Utility(Bench):
    """A bench whose server flags superseded events at creation, like envoy (D1)."""

    def control(self, name, program, start, duration, modes):
        events = self.lists[program]
        mask = sum(1 << m for m in modes)
        for rec in events.values():
            old_end = rec[2] + rec[3]
            if rec[1] <= 1 and rec[MODES] & mask and start < old_end and rec[2] < start + duration:
                rec[1] = 4
        self.event(name, program, start, duration, modes, created=self.now)

    def live(self, until):
        """Poll all programs each 60 s, the procedures' rate, and evaluate each second."""
        while self.now < until:
            if self.now % 60 == 0:
                for p in range(len(self.lists)):
                    self.poll(p)
            self.tick()
            self.now += 1


def gen10():
    """Fifteen programs: five of primacy 1 before ten of primacy 2; one has a default."""
    u = Utility(slots=20, programs=15)
    for p in range(15):
        u.program(p, 1 if p < 5 else 2)
        u.default(p, {E: WMAX * 3 // 10} if p == P1 else {}, grad=27 if p == P1 else -1)
    return u


def test_gen_10_primacy_yields_the_response_log_of_d11():
    u = gen10()
    u.live(60)
    assert u.s.values[E] == 3000 and u.s.winner[E] == DEFAULT
    # DERC1 (primacy 2) runs; DERC2 (primacy 1) takes its only mode.
    u.control("1", P2, 60, 1200, {E: 8000})
    u.live(180)
    assert u.holder(E) == "1"
    u.control("2", P1, 240, 840, {E: 2000})
    u.live(300)
    assert u.holder(E) == "2"
    u.live(1140)  # DERC2 has ended at 1080, DERC1 would last to 1260 and does not resume
    assert u.s.winner[E] == DEFAULT and u.s.values[E] == 3000
    u.control("3", P2, 1200, 120, {E: 6000})
    u.live(1380)
    assert u.s.winner[E] == DEFAULT
    # Disjoint modes run together.
    u.control("4", P1, 1440, 300, {G: 0, CONNECT: 0})
    u.control("5", P2, 1440, 1200, {E: 20000})
    u.live(1500)
    assert u.s.values[G] == 0 and u.s.values[CONNECT] == 0 and u.s.values[E] == 20000
    u.live(1800)
    assert u.s.values[G] == ABSENT and u.s.values[CONNECT] == ABSENT and u.s.values[E] == 20000
    # DERC6 replaces DERC5 in the same program: the server flags it.
    u.control("6", P2, 1860, 900, {E: 5000})
    u.live(1920)
    assert u.holder(E) == "6"
    # DERC8 keeps its GenLim while DERC7 holds ExpLim.
    u.control("7", P1, 1980, 300, {E: 0})
    u.control("8", P2, 1980, 420, {E: 5000, G: 3000})
    u.live(2100)
    assert u.s.values[E] == 0 and u.s.values[G] == 3000
    u.live(2280 + 10)
    assert u.s.values[E] == 5000 and u.s.values[G] == 3000  # the suspended mode comes back
    u.live(2460)
    u.control("9", P1, 2460, 900, {G: 5000})
    u.control("10", P2, 2460, 900, {E: 2000})
    u.live(2580)
    assert u.s.values[G] == 5000 and u.s.values[E] == 2000
    # The last step: a default on both, then the controls are cancelled; primacy 1 rules.
    u.default(P1, {E: 5000})
    u.default(P2, {E: 2000})
    u.status("9", 2)
    u.status("10", 2)
    u.live(2700)
    assert u.s.winner[E] == DEFAULT and u.s.values[E] == 5000 and u.s.winner[G] == NONE

    # Answers of one status that fall due in one second have no order between them.
    log = []
    for i, (name, status) in enumerate(u.log):
        if log and log[-1][1] == status and u.times[i - 1] == u.times[i]:
            if int(name) < int(log[-1][0]):
                log.insert(len(log) - 1, (name, status))
                continue
        log.append((name, status))
    assert log == [
        ("1", 1), ("1", 2),
        ("2", 1), ("1", 7), ("2", 2), ("2", 3),
        ("3", 1), ("3", 2), ("3", 3),
        ("4", 1), ("5", 1), ("4", 2), ("5", 2), ("4", 3),
        ("6", 1), ("5", 7), ("6", 2),
        ("7", 1), ("8", 1), ("6", 7), ("7", 2), ("8", 2), ("7", 3), ("8", 3),
        ("9", 1), ("10", 1), ("9", 2), ("10", 2), ("9", 6), ("10", 6),
    ], log


def test_all_18_control_responses():
    u = Utility()
    u.program(0, 0)
    u.control("1", 0, 0, 120, {E: 1000})
    u.control("2", 0, 300, 300, {E: 2000})
    u.control("3", 0, 600, 300, {E: 3000})
    u.live(301)
    u.status("2", 2)
    u.status("3", 2)
    u.live(361)
    u.control("4", 0, 900, 120, {E: 4000})
    u.live(421)
    assert u.of("4") == [1]
    u.control("5", 0, 930, 60, {E: 5000})
    u.live(481)
    assert u.of("4") == [1, 7] and u.now < 900  # on the poll that shows it, before its start
    u.live(1100)
    assert u.of("1") == [1, 2, 3] and u.of("2") == [1, 2, 6] and u.of("3") == [1, 6]
    assert u.of("4") == [1, 7] and u.of("5") == [1, 2, 3]


def test_all_21_back_to_back_events_yield_72_answers_in_order():
    u = Bench(slots=30)
    u.program(0, 1)
    for i in range(24):
        u.event(str(i), 0, 60 + 60 * i, 60, {E: 100 * i, I: 50 * i}, created=0)
    u.poll(0)
    while u.now < 1600:
        if u.now % 60 == 0:
            for name in [n for n, r in u.lists[0].items() if r[2] + r[3] <= u.now]:
                u.remove(name)  # what is over vanishes from the list (B10)
            u.poll(0)
        u.tick()
        if 60 <= u.now < 1500:
            assert u.s.values[E] == 100 * (u.now // 60 - 1), u.now  # no second without the event
        u.now += 1
    assert len(u.log) == 72
    expected = [(str(i), 1) for i in range(24)] + [("0", 2)]
    for i in range(1, 24):
        expected += [(str(i - 1), 3), (str(i), 2)]
    expected.append(("23", 3))
    assert sorted(u.log[:24]) == sorted(expected[:24]) and u.log[24:] == expected[24:]
    for i in range(24):
        assert u.times[u.log.index((str(i), 2))] == 60 + 60 * i
        assert u.times[u.log.index((str(i), 3))] == 120 + 60 * i


def test_all_22_each_events_start_is_randomised_without_gaps():
    u = Bench()
    u.program(0, 1)
    for i in range(5):
        u.rand = (i * 16384 + 7919) & 65535
        u.event(str(i), 0, 120 * (i + 1), 120, {E: i}, rand_start=60)
        u.poll(0)
    u.run(1000)
    for i in range(5):
        assert u.of(str(i)) == [1, 2, 3]
        began = u.times[u.log.index((str(i), 2))]
        ended = u.times[u.log.index((str(i), 3))]
        assert 0 <= began - 120 * (i + 1) <= 60
        if i < 4:
            assert ended == u.times[u.log.index((str(i + 1), 2))]


def test_all_23_an_outage_lets_the_known_events_run_out_into_the_default():
    u = Bench()
    u.program(0, 1)
    u.default(0, {E: 0, I: 0})
    for i, percent in enumerate((200, 20, 180, 70, 130)):
        u.event(str(i), 0, 60 * i, 60, {E: percent * 100}, created=0)
    u.poll(0)
    u.online = False
    seen = []
    while u.now < 420:
        u.tick()
        if not seen or seen[-1] != u.s.values[E]:
            seen.append(u.s.values[E])
        u.now += 1
    assert seen == [20000, 2000, 18000, 7000, 13000, 0]
    assert u.s.owed_count == 15 and u.log == []
    u.online = True
    u.lists[0].clear()
    u.event("n", 0, 420, 300, {E: 1})
    u.poll(0)
    u.tick()
    # What is new is received first, the backlog follows, in each event's own order (E4, E5).
    for i in range(5):
        assert u.of(str(i)) == [1, 2, 3]
    assert u.log.index(("n", 1)) < u.log.index(("n", 2)) and u.s.owed_count == 0
    assert u.times[u.log.index(("3", 2))] == 180  # the original createdDateTime (E6)


def test_gen_03_and_gen_09_a_cancelled_control_falls_to_the_default_and_none_to_nothing():
    u = Bench()
    u.program(0, 1)
    u.default(0, {E: 3000}, grad=27)
    u.event("A", 0, 10, 900, {E: 20000})
    u.poll(0)
    u.run(20)
    assert u.s.values[E] == 20000
    u.status("A", 2)
    u.poll(0)
    u.run(30)
    assert u.s.values[E] == 3000 and u.s.ramp[E] == -1 and u.s.grad == 27
    u.event("B", 0, 40, 600, {E: 0})
    u.default(0, {})
    u.poll(0)
    u.run(40)
    assert u.s.values[E] == 0
    u.run(700)
    assert u.s.values[E] == ABSENT and u.s.winner[E] == NONE and u.s.grad == -1
    assert u.of("A") == [1, 2, 6] and u.of("B") == [1, 2, 3]


def test_p_02_an_fsa_that_went_takes_events_answers_and_default_along_silently():
    u = Bench()
    u.program(0, 1)
    u.program(1, 2)
    u.default(1, {I: 7})
    u.event("A", 0, 10, 60, {E: 1})
    u.event("B", 1, 10, 60, {G: 2})
    u.event("C", 1, 5, 4, {G: 2})
    u.poll(0)
    u.poll(1)
    u.online = False
    u.run(20)
    assert u.s.values[G] == 2 and u.s.values[I] == 7 and u.s.owed_count == 7
    assert u.s.next_owed()
    u.s.drop_program(1)
    u.s.answered()  # an answer that was under way when its program went
    u.online = True
    assert u.tick() and u.s.values[G] == ABSENT and u.s.values[I] == ABSENT
    u.run(200)
    assert all(name == "A" for name, _ in u.log) and u.s.owed_count == 0
    assert u.row("B") == -1 and u.row("C") == -1


check.run(globals())
