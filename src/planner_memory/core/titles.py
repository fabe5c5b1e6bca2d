"""What a task's title says of it, for tasks that say nothing of it themselves."""

import re

MEETING = r"(?:calls?|meetings?|interviews?|appointments?)"
_MEETS = re.compile(
    r"^(?:hold|attend|call|talk|meet|interview|present|moderate|facilitate|discuss|negotiate|visit)\b"
    rf"|\b(?:{MEETING}|sessions?|talks?|kick-?offs?)\b"
)
# what is done for a meeting, or after it, is none
_ROUND_ABOUT = re.compile(
    r"^(?:prepare|plan|write|send|schedule|invite|book|draft|set|evaluate|summari[sz]e|transcribe|follow|find|recruit|choose|edit"
    r"|cancel|confirm|organi[sz]e|outline|postpone|rehearse|reschedule)(?![\w-])"  # a follow-up call is a meeting
)
_HELD = re.compile(
    r"(?:hold|give|run|facilitate|attend|moderate) (?:the |an? )?(?:[\w-]+ ){0,2}"
    r"(?:workshop|talk|event|meeting|call|session|training|webinar)\b"
)


def is_meeting(title: str) -> bool:
    """Whether others are met: "Call Acme", "Weekly meeting"; not "Prepare the meeting"."""
    said = title.strip().lower()
    return _MEETS.search(said) is not None and _ROUND_ABOUT.match(said) is None


def is_in_one_piece(title: str) -> bool:
    """Whether others sit there with one, so that it cannot go on tomorrow: "Hold the workshop"."""
    return _HELD.match(title.strip().lower()) is not None
