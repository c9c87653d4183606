"""The heap after half a day is what it was after the first hour; thirty are in `make bench`."""

from days import live, slow

# One look may come amid a request, or find a word on the stack that looks like an old pointer.
NOISE = 512


def test_half_a_day_of_replaced_events_outages_and_polls_leaves_nothing_on_the_heap():
    found = slow(0.5, 900)
    assert found["last"] <= found["first"] + NOISE and found["busy"] <= found["first"] + NOISE
    assert found["piece_last"] > found["piece_first"] * 3 // 4  # nor does it go to pieces
    # It lived: two rounds of 58 controls at least were received and superseded in each busy time.
    assert found["answers"] > 3 * 2 * 2 * 58 and found["requests"] > 1000
    assert found["readings"] > 50 and found["boots"] == 1


def test_minutes_of_samples_each_200_ms_leave_nothing_on_the_heap():
    found = live(3)
    assert found["last"] <= found["first"] + NOISE and found["samples"] > 3000
