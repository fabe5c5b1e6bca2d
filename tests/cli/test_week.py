"""The week as a grid."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from planner_memory.cli.render import duration, span
from planner_memory.cli.week import Entry, mondays, week_grid

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2027, 3, 15)


def at(day: int, clock: str) -> datetime:
    return datetime.fromisoformat(f"{MONDAY + timedelta(days=day)}T{clock}").replace(tzinfo=BERLIN)


def drawn(entries: list[Entry], width: int = 80, monday: date = MONDAY) -> list[str]:
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(week_grid(entries, monday, BERLIN, width))
    return captured.get().splitlines()


WEEK = [
    Entry("Stand-up", at(0, "09:15"), at(0, "09:30")),
    Entry("Read up on Acme", at(0, "10:00"), at(0, "12:00"), is_planned=True),
    Entry("A very long title of a meeting that takes half an hour only", at(2, "14:00"), at(2, "14:30")),
    Entry("Flight home", at(3, "18:40"), at(3, "22:55")),
    Entry("Public holiday", at(4, "00:00"), at(5, "00:00"), is_all_day=True),
]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_it_fits(width: int) -> None:
    lines = drawn(WEEK, width)
    assert max(map(len, lines)) <= width
    assert all(day in lines[0] for day in ("Mon 15 Mar", "Tue 16 Mar", "Fri 19 Mar"))
    assert "Sat" not in lines[0]


def test_rows_are_half_hours_and_titles_stand_at_their_time() -> None:
    lines = drawn(WEEK, 100)
    by_label = {line[:5].strip(): line for line in lines if line[:5].strip()}
    assert "│09:15 Stand-up" in by_label["09:00"]
    assert "▌Read up on" in by_label["10:00"]
    row = lines.index(by_label["10:00"])
    assert sum("▌" in line for line in lines[row : row + 5]) == 4
    assert "…" in by_label["14:00"]
    assert "Public holiday" in by_label["day"]
    assert "18:40 Flight" in by_label["later"]


def test_a_planned_block_is_never_hidden() -> None:
    lines = drawn([Entry("Busy", at(1, "09:00"), at(1, "10:00")), Entry("Own", at(1, "09:00"), at(1, "09:30"), is_planned=True)])
    assert any("▌Own" in line for line in lines)
    early = drawn([Entry("Early bird", at(1, "06:00"), at(1, "07:00"), is_planned=True)])
    assert any("▌Early bird" in line for line in early)


def test_the_weekend_appears_when_something_is_on() -> None:
    lines = drawn([Entry("Fair", at(5, "10:00"), at(5, "16:00"))])
    assert "Sat 20 Mar" in lines[0]
    assert max(map(len, lines)) <= 80


def test_wall_times_hold_across_a_clock_change() -> None:
    sunday, monday = Entry("A", at(13, "10:00"), at(13, "11:00")), Entry("B", at(14, "10:00"), at(14, "11:00"))
    assert any(line.startswith("10:00") and "│A" in line for line in drawn([sunday], monday=date(2027, 3, 22)))
    assert any(line.startswith("10:00") and "│B" in line for line in drawn([monday], monday=date(2027, 3, 29)))


def test_an_event_over_midnight_is_on_both_days() -> None:
    lines = drawn([Entry("Night shift", at(0, "16:00"), at(1, "10:00"))])
    row = next(line for line in lines if line.startswith("16:00"))
    assert "Night shift" in row
    assert "Night shift" in next(line for line in lines if line.startswith(("08:00", "09:00")))


def test_an_empty_week_is_drawn() -> None:
    assert len(drawn([])) == 1 + 16


def test_words_for_lengths_and_weeks() -> None:
    assert [duration(h) for h in (0.5, 1, 1.5, 2.999, 11.25)] == ["30 min", "1 h", "1 h 30", "3 h", "11 h 15"]
    assert mondays(date(2027, 3, 17), date(2027, 3, 29)) == [date(2027, 3, 15), date(2027, 3, 22), date(2027, 3, 29)]
    assert span("2027-03-15T08:00:00+00:00", "2027-03-15T09:30:00+00:00", BERLIN).endswith("09:00–10:30")
