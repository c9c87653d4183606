"""The demonstration's story: a timeline without gaps, at whatever length."""

import pytest

from tools.demo.cues import PUBLISH, SICK, cues
from tools.demo.story import DEFAULT_W, FAILSAFE_W, Story
from tools.site import profile_from

LENGTHS = [2, 2.5, 3, 4, 7.3, 10, 60]


@pytest.mark.parametrize("minutes", LENGTHS)
def test_timeline_covers_the_story_without_a_gap(minutes):
    story = Story(minutes)
    segments = story.timeline()
    assert (segments[0].start, segments[-1].end) == (0, story.length)
    assert all(a.end == b.start for a, b in zip(segments, segments[1:]))
    assert all(s.start < s.end for s in segments)
    assert all((a.limit_w, a.why) != (b.limit_w, b.why) for a, b in zip(segments, segments[1:]))


@pytest.mark.parametrize("minutes", LENGTHS)
def test_timeline_says_what_rules_at_every_instant(minutes):
    story = Story(minutes)
    for segment in story.timeline():
        for half in range(segment.start * 2, segment.end * 2):
            limit_w, source, why, _ = story.ruling(half / 2)
            assert (limit_w, source, why) == (segment.limit_w, segment.source, segment.why)


def test_the_four_minutes_have_these_limits():
    said = [(s.start, s.limit_w, s.source) for s in Story(4).timeline()]
    assert said == [
        (0, FAILSAFE_W, "failsafe"), (8, DEFAULT_W, "default"), (28, 5000, "event"),
        (60, 2500, "event"), (92, 0, "event"), (124, DEFAULT_W, "default"), (148, 4000, "event"),
        (184, DEFAULT_W, "default"), (222, 3000, "event")]


def test_lower_primacy_and_the_newer_event_win():
    story = Story(4)
    assert story.ruling(70)[3].label == "A2" and "B1" in story.ruling(70)[2]
    assert story.ruling(100)[3].label == "A4" and "newer than A3" in story.ruling(100)[2]


@pytest.mark.parametrize("minutes", LENGTHS)
def test_every_event_is_published_a_poll_before_it_starts(minutes):
    story = Story(minutes)
    down, up = story.outage
    for event in story.events:
        published = max(event.publish, story.server_up)
        assert event.start - published > story.poll_s
        assert not down <= published < up


@pytest.mark.parametrize("minutes", LENGTHS)
def test_an_event_begins_and_ends_while_the_server_is_out_of_service(minutes):
    story = Story(minutes)
    down, up = story.outage
    inside = [e for e in story.events if down < e.start and e.end < up]
    assert [e.label for e in inside] == ["A5"]
    assert down < story.sick < up


@pytest.mark.parametrize("minutes", LENGTHS)
def test_events_that_contend_share_their_whole_interval(minutes):
    events = Story(minutes).events
    for a in events:
        for b in events:
            if a.start < b.end and b.start < a.end:
                assert (a.start, a.end) == (b.start, b.end)


@pytest.mark.parametrize("minutes", LENGTHS)
def test_chapters_fit_a_line_and_change_with_the_story(minutes):
    story = Story(minutes)
    said = [story.chapter(t) for t in range(story.length)]
    assert max(map(len, said)) <= 78
    assert len(set(said)) == 10


@pytest.mark.parametrize("minutes", LENGTHS)
def test_the_site_takes_the_script(minutes):
    story = Story(minutes)
    profile = profile_from(story.script())
    assert profile.pv_w(0) == 8600 and profile.load_w(story.length) == 500


@pytest.mark.parametrize("minutes", LENGTHS)
def test_cues_are_in_order_and_publish_what_is_not_known_early(minutes):
    story = Story(minutes)
    found = cues(story)
    times = [c.at for c in found]
    assert times == sorted(times) and times[0] == story.server_up
    assert [c.event.label for c in found if c.kind == PUBLISH] == ["A4", "A6"]
    assert [c.at for c in found if c.kind == SICK] == [story.sick]


@pytest.mark.parametrize("minutes", [1.9, 0, -3])
def test_a_story_too_short_is_refused(minutes):
    with pytest.raises(ValueError, match="at least 2 minutes"):
        Story(minutes)
