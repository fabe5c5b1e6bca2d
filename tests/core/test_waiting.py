from datetime import UTC, datetime

import pytest

from planner_memory.core.sync_tokens import token_of, tokens_in
from planner_memory.core.waiting import retry_after

NOW = datetime(2027, 3, 15, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Mon, 15 Mar 2027 09:01:00 GMT", 60.0),
        ("Mon, 15 Mar 2027 08:59:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_what_a_server_asks_for(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def test_tokens_come_back_and_what_is_no_token_holds_none() -> None:
    assert tokens_in(token_of({"work": "a", "home": "b"})) == {"work": "a", "home": "b"}
    assert [tokens_in(each) for each in (None, "", "{", "[1]", '"x"')] == [{}] * 5
