"""What an error may repeat of what somebody else's server said."""

from planner_memory.core.quoting import quoted


def test_no_secret_no_line_break_and_no_end_of_a_long_text() -> None:
    assert quoted("Bad key\n sk-1.", secret="sk-1") == "Bad key …"
    assert quoted("Bad key", secret="") == "Bad key"
    assert len(quoted("x" * 1000, secret="sk-1")) == 300
