"""A profile survives its document."""

from datetime import date, time

from planner_memory.core.documents import profile_document, profile_from
from planner_memory.core.profile import Profile


def test_there_and_back() -> None:
    profile = Profile(
        person_id="ada",
        time_zone="Asia/Kathmandu",
        working_hours={
            "mon": ((time(8), time(12)), (time(13), time(16, 30))),
            "tue": (),
            "wed": (),
            "thu": (),
            "fri": (),
            "sat": ((time(20), time.max),),
            "sun": (),
        },
        exceptions={date(2027, 5, 1): (), date(2027, 5, 2): ((time(10), time(11)),)},
        holidays_country="DE",
        buffer_minutes=10,
        largest_task_minutes=120,
        calendars=("work",),
        weights={"outside_band": 60, "late": {"1": 2000}},
        confirmed=True,
    )
    assert profile_from(profile_document(profile)) == profile


def test_the_defaults_there_and_back() -> None:
    assert profile_from(profile_document(Profile())) == Profile()
    assert profile_from({}) == Profile()
