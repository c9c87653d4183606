"""Lines on which answers come late, slowly or only after a pause: the limit is kept."""

from house import living
from tools.site import MeterSettings, Settings

RTU = "rtu:/dev/ttyUSB0@19200/"


def exports(house, start, end):
    return [-row.site_w for row in house.rows(start, end)]


def test_a_limit_falls_where_each_third_answer_comes_too_late(tmp_path):
    lines = {"inverter": RTU + "1", "meter": RTU + "200", "site_exp_w": 20000}
    with living(tmp_path, load=3000, pv=9000, config=lines) as house:
        house.default(exp_w=2000)
        house.publish(40, 100, exp_w=1500)
        house.boot()
        house.run_to(20)
        house.site.fault(late=3)  # 1.5 s; an answer is waited for for 1 s
        house.run_to(130)
        pct = [int(frame[14:18], 16) for at, kind, frame in house.story
               if kind == "write" and at > 40 and frame.startswith("01109d29")]
        assert 1500 in pct, pct  # of 10 kW, in hundredths of a percent
        assert max(exports(house, 55, 130)) <= 1600
        # Read back each time too: what is refused or not seen to stand would be said.
        assert not house.said("LIMIT_NOT_TAKEN", since=40)


def test_a_meter_that_restarts_when_asked_within_half_a_second_is_found(tmp_path):
    meter = MeterSettings(200, "sdm630", faults={"reboot_gap_ms": 500})
    lines = {"meter": "rtu:/dev/ttyUSB0@9600/200", "meter_map": "sdm630", "sample_ms": 1000}
    with living(tmp_path, settings=Settings(meter=meter), load=2000, pv=9000,
                config={**lines, "site_exp_w": 20000}) as house:
        house.default(exp_w=3000)
        house.boot()
        house.run_until(lambda: house.said("SIGHTED"), 60)
        house.run_to(90)
        house.run(30)
        assert not house.said("BLIND", since=90), house.tail()
        assert 2800 <= sum(exports(house, 100, 120)) / 200 <= 3000


def test_an_inverter_that_answers_slowly_is_never_taken_for_silent(tmp_path):
    for folder, delay_ms in (("a", 450), ("b", 700)):
        (tmp_path / folder).mkdir()
        with living(tmp_path / folder, load=[[0, 3000], [50, 500]], pv=9000, meter_line=True,
                    config={"site_exp_w": 20000}) as house:
            house.site.fault(inverter_delay_ms=delay_ms)
            house.default(exp_w=2000)
            house.boot()
            house.run_to(90)
            assert not house.said("DEVICE_SILENT", since=15), (delay_ms, house.tail())
            assert max(exports(house, 65, 90)) <= 2100, delay_ms
