# heap: 240k
"""The walk along a chain: every way in which a real device's chain has been seen to look."""

import check
from registers import (
    END, SUNS, Device, chain_of, common, controls, inverter, meter, model, nameplate, plant,
    run, settings,
)
from sunspec import (
    FULL, MOVED, NO_SUNS, NO_UNIT, OK, PENDING, REFUSED, SILENT, Common, Header, SunspecError,
    Walk,
)


def walked(maps, size=32, **faults):
    device = Device(maps)
    for name, value in faults.items():
        setattr(device, name, value)
    walk = Walk(size)
    run(walk, device)
    return walk, device


def ids(walk):
    return [walk.ids[i] for i in range(walk.n)]


def test_a_plain_chain():
    walk, device = walked({40000: plant()})
    assert walk.result == OK and walk.marked
    assert ids(walk) == [1, 103, 120, 121, 123]
    assert walk.addrs[0] == 40002 and walk.lengths[0] == 66
    assert walk.addrs[1] == 40070 and walk.lengths[1] == 50
    assert walk.devices_n == 1 and walk.find(0, 101, 103) == 1
    assert walk.find(0, 201, 204) == -1 and walk.find(1, 1, 1) == -1
    assert device.n == 7


def test_the_bases_in_their_order():
    for base, asked in ((40000, [40000]), (50000, [40000, 50000]), (0, [40000, 50000, 0])):
        walk, device = walked({base: plant()})
        assert walk.result == OK and walk.addrs[0] == base + 2
        assert [addr for _, addr, _, _ in device.log][:len(asked)] == asked


def test_words_that_are_not_suns_send_it_to_the_next_base():
    walk, _ = walked({40000: [0x5375, 0x6E54, 1, 66], 50000: plant()})
    assert walk.addrs[0] == 50002


def test_suns_without_a_model_sends_it_to_the_next_base():
    for rest in (END, [0, 0], []):
        walk, _ = walked({40000: SUNS + rest, 0: plant()})
        assert walk.result == OK and walk.addrs[0] == 2 and walk.marked
    walk, _ = walked({40000: SUNS + END})
    assert walk.result == NO_SUNS and walk.n == 0 and not walk.marked


def test_chain_that_ends_with_an_exception():
    walk, _ = walked({40000: chain_of(common(), inverter(), end=[])})
    assert walk.result == OK and not walk.marked and ids(walk) == [1, 103]


def test_chain_that_ends_in_silence():
    whole, device = walked({40000: chain_of(common(), inverter())})
    walk, device = walked({40000: chain_of(common(), inverter())}, silent_from=3)
    assert walk.result == OK and not walk.marked and ids(walk) == ids(whole)


def test_one_lost_answer_does_not_end_the_chain():
    whole, device = walked({40000: plant()})
    for lost in range(1, device.n):
        walk, _ = walked({40000: plant()}, silent={lost})
        assert ids(walk) == ids(whole) and walk.marked, lost
        assert list(walk.addrs)[:walk.n] == list(whole.addrs)[:whole.n]
        assert list(walk.lengths)[:walk.n] == list(whole.lengths)[:whole.n]


def test_end_that_shows_zero_to_one_register_only():
    walk, device = walked({40000: chain_of(common(), inverter(), end=[0])})
    assert walk.result == OK and walk.marked and ids(walk) == [1, 103]
    assert device.log[-1][2] == 1


def test_id_zero_ends_the_chain():
    walk, _ = walked({40000: chain_of(common(), inverter(), end=[0, 0]) + inverter()})
    assert walk.marked and ids(walk) == [1, 103]


def test_end_model_with_a_length_ends_the_chain():
    walk, _ = walked({40000: chain_of(common(), end=[0xFFFF, 50]) + inverter()})
    assert walk.marked and ids(walk) == [1]


def test_model_1_of_65_registers():
    walk, _ = walked({40000: chain_of(common(length=65), inverter())})
    assert ids(walk) == [1, 103] and walk.lengths[0] == 65 and walk.addrs[1] == 40069


def test_second_model_1_opens_the_next_device():
    walk, _ = walked({40000: chain_of(common(), inverter(), common(length=65), meter(),
                                      common(), meter(202))})
    assert walk.devices_n == 3
    assert list(walk.devices)[:walk.n] == [0, 0, 1, 1, 2, 2]
    assert walk.find(0, 201, 204) == -1
    assert walk.find(1, 201, 204) == 3 and walk.find(2, 201, 204) == 5 and walk.find(2, 1, 1) == 4


def test_models_before_the_first_model_1_belong_to_its_device():
    walk, _ = walked({40000: chain_of(inverter(), common(), controls())})
    assert walk.devices_n == 1 and list(walk.devices)[:3] == [0, 0, 0]


def test_repeated_models_are_all_listed_and_the_first_is_found():
    strings = [model(502, 28, {}) for _ in range(17)]
    walk, _ = walked({40000: chain_of(common(), inverter(), *strings)})
    assert walk.n == 19 and walk.find(0, 502, 502) == 2


def test_order_that_does_not_ascend():
    walk, _ = walked({40000: chain_of(common(), model(160, 48, {}), model(129, 60, {}),
                                      controls(), inverter())})
    assert ids(walk) == [1, 160, 129, 123, 103] and walk.find(0, 101, 103) == 4


def test_unknown_ids_are_passed_by_their_length():
    walk, _ = walked({40000: chain_of(common(), model(64412, 9, {}), model(65230, 248, {}),
                                      model(65232, 0, {}), inverter())})
    assert ids(walk) == [1, 64412, 65230, 65232, 103] and walk.marked


def test_length_beyond_the_last_register_ends_the_chain_without_that_model():
    for length in (65535, 65536 - 40070 - 1):
        walk, _ = walked({40000: chain_of(common(), model(103, 50, {1: length}))})
        assert walk.result == OK and not walk.marked and ids(walk) == [1]


def test_model_that_ends_with_the_last_register_is_the_last():
    walk, device = walked({40000: chain_of(common(), model(103, 50, {1: 65536 - 40070 - 2}))})
    assert ids(walk) == [1, 103] and walk.result == OK
    assert max(addr for _, addr, _, _ in device.log) < 65536


def test_chain_of_nothing_but_empty_models_ends_at_the_table():
    walk, _ = walked({40000: SUNS + [9, 0] * 400}, size=255)
    assert walk.result == FULL and walk.n == 255


def test_full_table_keeps_what_it_has_and_says_so():
    walk, _ = walked({40000: plant()}, size=4)
    assert walk.result == FULL and ids(walk) == [1, 103, 120, 121]
    walk, _ = walked({40000: plant()}, size=5)
    assert walk.result == OK and walk.n == 5


def test_wrong_unit_id_is_told_from_a_device_without_suns():
    for code in (0x0A, 0x0B):
        walk, _ = walked({40000: plant()}, code=code)
        assert walk.result == NO_UNIT and walk.n == 0
    for code in (1, 2, 3, 4):
        walk, _ = walked({40000: plant()}, code=code)
        assert walk.result == NO_SUNS
    walk, _ = walked({0: [7] * 100})
    assert walk.result == NO_SUNS
    walk, _ = walked({40000: plant()}, silent_from=0)
    assert walk.result == SILENT


def test_every_truncation_of_the_map_ends_with_the_models_before_it():
    words = plant()
    whole, _ = walked({40000: words})
    for cut in range(len(words)):
        walk, _ = walked({40000: words[:cut]})
        seen = [i for i in range(whole.n) if whole.addrs[i] + 2 <= 40000 + cut]
        assert ids(walk) == [whole.ids[i] for i in seen], cut
        assert walk.result == (OK if seen else NO_SUNS)
        assert walk.marked == (cut == len(words) - 1)  # the ID of the end model is enough


def test_every_read_may_be_the_last_that_is_answered():
    _, device = walked({40000: plant()})
    for first in range(device.n + 1):
        walk, _ = walked({40000: plant()}, silent_from=first)
        assert walk.result == (SILENT if first == 0 else NO_SUNS if first == 1 else OK), first
        assert walk.n == max(0, min(5, first - 1))
        for code in (2, 4, 5, 6, 11):
            refused = {n: code for n in range(first, 100)}
            walk, _ = walked({40000: plant()}, refused=refused)
            assert walk.n == max(0, min(5, first - 1))
            if 5 <= code <= 6 and first < device.n:
                assert walk.result == SILENT, (code, first)


def test_not_now_is_never_taken_for_no_map_nor_for_the_end_of_one():
    words = plant()
    _, device = walked({40000: words})
    for code in (5, 6):
        for at in range(device.n):
            walk, _ = walked({40000: words}, refused={at: code})
            assert walk.result == SILENT and not walk.marked, (code, at)
        # Not at the first place: the next ones may say that there is none.
        walk, _ = walked({0: words}, refused={1: code})
        assert walk.result == SILENT and walk.n == 0


def test_a_device_that_is_busy_is_asked_again_and_is_then_unknown_not_without_a_name():
    walk, device = walked({40000: plant()})
    for code in (5, 6, 10, 11):
        for n in range(4):
            for often, result in ((1, OK), (2, SILENT)):
                common = Common(walk, 0)
                device.refused = {device.n + n + k: code for k in range(often)}
                run(common, device)
                assert common.result == result, (code, n, often)
                if result == OK:
                    assert common.manufacturer and common.model and common.serial
    common = Common(walk, 0)
    device.refused = {device.n: 2}  # refused for good: it has none
    run(common, device)
    assert common.result == OK and common.manufacturer == "" and common.model


def test_next_repeats_the_operation_until_it_was_taken():
    walk = Walk(4)
    assert walk.next(None) and walk.next(None) and walk.addr == 40000 and walk.count == 2
    assert walk.kind == 3 and walk.result == PENDING


def test_begin_forgets_the_chain():
    walk, device = walked({40000: chain_of(common(), common())})
    assert walk.devices_n == 2
    device.words[40070] = 0xFFFF
    walk.begin()
    assert walk.n == 0 and walk.devices_n == 0 and walk.find(0, 1, 1) == -1
    run(walk, device)
    assert walk.n == 1 and walk.devices_n == 1 and walk.marked


def test_walk_of_no_size_is_refused():
    for size in (0, 256, -1):
        check.raises(SunspecError, Walk, size)


def test_header_says_whether_the_model_still_stands_there():
    walk, device = walked({40000: plant()})
    header = Header(walk, walk.find(0, 123, 123))
    assert run(header, device) == OK
    for offset in (0, 1):
        at = walk.addrs[4] + offset
        device.words[at] += 1
        header.begin()
        assert run(header, device) == MOVED
        device.words[at] -= 1
    header.begin()
    device.silent = {device.n}
    assert run(header, device) == OK
    header.begin()
    device.code = 2
    assert run(header, device) == REFUSED
    header.begin()
    device.silent_from = 0
    assert run(header, device) == SILENT


def who(*models, **faults):
    walk, device = walked({40000: chain_of(*models)})
    for name, value in faults.items():
        setattr(device, name, value)
    common_model = Common(walk, walk.devices_n - 1)
    return common_model, run(common_model, device), device


def strings(c):
    return [c.manufacturer, c.model, c.version, c.serial]


def test_common_reads_who_the_device_is():
    for length in (65, 66):
        c, result, device = who(common(length=length), inverter())
        assert result == OK and strings(c) == ["Acme", "Model X", "1.2", "S-1"]
        assert max(count for _, _, count, _ in device.log) <= 64


def test_common_of_the_second_device():
    c, _, _ = who(common("A"), inverter(), common("B", 65), meter())
    assert c.serial == "B"


def test_common_strips_blanks_and_marks_what_is_not_ascii():
    c, _, _ = who(model(1, 66, {2: [0x2020, 0x41E9, 0x2000, 0x4242], 18: 0}, fill=0x2020))
    assert strings(c) == ["A?", "", "", ""]


def test_common_shorter_than_its_strings_leaves_them_out():
    c, result, _ = who(model(1, 40, {2: [0x4142, 0]}), inverter())
    assert result == OK and c.manufacturer == "AB" and c.version == "" and c.serial == ""


def test_common_with_refused_and_lost_reads_keeps_the_rest():
    c, result, device = who(common())
    first = device.n - 4
    for i in range(4):
        c, result, _ = who(common(), refused={first + i: 2})
        left = ["Acme", "Model X", "1.2", "S-1"]
        left[i] = ""
        assert result == OK and strings(c) == left
        c, result, _ = who(common(), silent={first + i})
        assert result == OK and "" not in strings(c)
    c, result, _ = who(common(), silent_from=first)
    assert result == SILENT and strings(c) == [""] * 4
    c, result, _ = who(common(), code=2)
    assert result == REFUSED


def test_common_needs_a_model_1():
    walk, _ = walked({40000: chain_of(inverter(), nameplate(), settings())})
    check.raises(SunspecError, Common, walk, 0)


def test_the_walk_itself_allocates_nothing():
    device = Device({40000: plant()})
    walk = Walk(16)
    from array import array

    regs = array("H", bytes(128))
    while check.locked(walk.next, regs):
        outcome = device.do(walk.kind, walk.addr, walk.count, regs)
        check.locked(walk.took, outcome, regs)
    assert walk.n == 5 and check.locked(walk.find, 0, 123, 123) == 4


check.run(globals())
