"""The forms in which a prose writes its numbers: one rule for each form, tried in order."""

# ruff: noqa: E501, ISC004 - a pattern is read best on one line

from collections.abc import Callable
from decimal import Decimal

from planner_memory.observer_agent import number_readings as read
from planner_memory.observer_agent.number_words import DIGITS, ORDINALS, VALUE, WORD, values_of
from planner_memory.observer_agent.numbers import Reading

_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)\b\.?"
)
_TH = r"(?:st|nd|rd|th|\.)"
_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])"
_YEAR = r"(?:,?\s+(?P<year>(?:19|20)\d\d)\b)?"
_H, _MIN = r"(?:h\b|hrs?\b|hours?\b|std\b|stunden?\b)", r"(?:m\b|mins?\b|minutes?\b|minuten\b|[′'](?!\w))"
_MINUTES_AFTER = rf"(?P<rest>{VALUE})[ \t\u00a0-]*{_MIN}"
_TIME_BEFORE = r"(?:(?<=\bat\s)|(?<=\bfrom\s)|(?<=\bsince\s)|(?<=\buntil\s)|(?<=\btill\s)|(?<=\bum\s)|(?<=\bab\s)|(?<=\bbis\s))"
_PART = rf"(?:{'|'.join(read.PARTS)}|fourth|second)"
_COUNTED = (
    r"(?=\s+(?:[\w-]+\s+){0,2}?(?:tasks?|runs?|meetings?|calls?|plans?|events?|entry|entries|blocks?|steps?|days?|weeks?|timers?"
    r"|switch\w*|workflows?|templates?|deadlines?|items?|to-?dos?|appointments?)\b)"
)
_DAYS_IN_WORDS = (*ORDINALS, *(f"twenty-{each}" for each in ORDINALS[:9]), "thirtieth", "thirty-first")
RULES: tuple[tuple[str, Callable[[read.Groups], read.Found]], ...] = (
    (r"\b(?P<y>\d{4})[-/](?P<m>\d{2})[-/](?P<d>\d{2})(?!\d)", lambda g: [Reading("date", (int(g["y"] or 0), int(g["m"] or 0), int(g["d"] or 0)))]),
    (r"(?<![\d.,])(?P<a>3[01]|[12]\d|0?[1-9])\.[ \u00a0]?(?P<b>1[0-2]|0?[1-9])\.(?:\s?(?P<year>(?:19|20)?\d\d)(?![\d]))?(?!\d)", read.numeric_date),
    (r"(?<![\d.,/])(?P<a>\d{1,2})(?P<sep>[./-])(?P<b>\d{1,2})(?P=sep)(?P<year>(?:19|20)\d\d|\d\d)(?![\d/])", read.numeric_date),
    (r"(?:^|(?<=\b(?:mon|tue|wed|thu|fri|sat|sun)\s))(?P<a>\d{1,2})/(?P<b>\d{1,2})(?P<year>)(?=\s*(?:--|[\u2013\u2014:),|*]|$))", read.numeric_date),
    (rf"\b{_DAY}{_TH}?\s+(?:of\s+)?{_MONTH}{_YEAR}(?!\s*\d)", read.date),
    (rf"\b(?P<word>{'|'.join(sorted(_DAYS_IN_WORDS, key=len, reverse=True))})\s+of\s+{_MONTH}{_YEAR}",
     lambda g: read.date({**g, "day": str(_DAYS_IN_WORDS.index((g["word"] or "").lower()) + 1)})),
    (rf"\b{_MONTH}\s+(?:the\s+)?{_DAY}{_TH}?(?!\d|[.,]\d|\s*(?:h\b|hours?|min|%|:\d|tasks?|meetings?|events?)){_YEAR}", read.date),
    (rf"\b{_DAY}{_TH}?\s*(?:[–—-]|to|and|through|until|,)\s*(?=(?:the\s+)?(?:\d{{1,2}}{_TH}?\s*,?\s*(?:and\s+|(?<=,)\s*))*\d{{1,2}}{_TH}?\s+(?:of\s+)?{_MONTH})", read.date),
    (rf"(?<=[–—-]){_DAY}{_TH}?(?=,?\s+(?:19|20)\d\d\b)", lambda g: [Reading("date", (None, None, int(g["day"] or 0)))]),
    (r"(?<!this\s)(?<!last\s)(?<!per\s)(?<!next\s)(?<!previous\s)(?<!a\s)\b(?:iso\s)?(?:(?:calendar\s+)?week|wk|KW|CW)\s(?:no\.?\s?|number\s)?(?P<n>\d{1,2})\b(?!\s*(?:h\b|hours?|min|%|tasks?|days?|[:.,]\d))",
     lambda g: [Reading("week", int(g["n"] or 0)), Reading("count", Decimal(g["n"] or 0))]),
    (rf"(?P<a>{VALUE})\s+in\s+(?P<b>ten|10)(?=\s+(?:hours?|tasks?|minutes?|cases?|runs?)\s+(?:was|were|is|are|went|can|could)\b)", read.in_every),
    (r"\b(?P<hour>1[0-2]|0?[1-9])(?:[:.](?P<minute>[0-5]\d))?\s*(?P<half>[ap])\.?\s?m\b\.?", read.ap),
    (rf"\b(?P<part>half\s+past|(?:a\s+)?quarter\s+(?:past|to))\s+(?P<hour>\d{{1,2}}|{WORD})\b", read.half_time),
    (rf"\b(?P<hour>\d{{1,2}}|{WORD})\s+o[’']\s?clock\b", read.o_clock),
    (r"\b(?:(?<=at\s)|(?<=until\s)|(?<=by\s))noon\b", read.constant("time", (12, 0))),
    (r"\b(?:(?<=at\s)|(?<=until\s)|(?<=by\s))midnight\b", read.constant("time", (0, 0))),
    (rf"\b(?P<hour>\d{{1,4}}):(?P<minute>[0-5]\d)\s*{_H}", lambda g: [read.minutes(Decimal(int(g["hour"] or 0) * 60 + int(g["minute"] or 0)))]),
    (r"\b(?P<hour>\d{1,4}):(?P<minute>[0-5]\d)(?!\d)(?:\s?uhr\b)?", read.clock),
    (rf"(?:{_TIME_BEFORE}(?P<hour>[01]?\d|2[0-3])\.(?P<minute>[0-5]\d)(?![\d%]|\s*(?:%|{_H}|times\b|[x×]))|\b(?P<hour2>[01]?\d|2[0-3])\.(?P<minute2>[0-5]\d)\s*uhr\b)",
     read.dotted_time),
    (rf"(?P<sign>(?<![\w–.,])[+\-−]\s?)?(?P<n>{VALUE})\s*(?:%|(?:percent(?:age)?\s+)?points?\b|percent\b|per\s+cent\b|pct\b|prozent\b)", read.percent),
    (r"(?<![\w.,])(?P<hour>\d{1,3})[ \t]?h[ \t]?(?P<minute>[0-5]?\d)(?:\s?m(?:in)?\b|(?![\w%]|[.,]\d|\s*%))", read.glued),
    (r"\b(?:(?P<whole>an|one)\s+hour|(?<![\w])hour)\s+and\s+(?P<part>a\s+half|a\s+quarter|three\s+quarters)\b",
     lambda g: read.spoken_hours({**g, "whole": g["whole"] or "an"})),
    (rf"(?P<whole>{VALUE})\s+and\s+(?:(?P<part>a\s+half|a\s+quarter|three[\s-]quarters?)[\s-]+){_H}", read.spoken_hours),
    (rf"(?P<whole>{VALUE})\s+hours?\s+and\s+(?P<part>a\s+half|a\s+quarter|three\s+quarters)\b", read.spoken_hours),
    (r"\b(?P<part>half|(?:a\s+|one\s+)?quarter|three[-\s]quarters?)\s+(?:of\s+)?(?:an\s+)?hours?\b", read.spoken_hours),
    (rf"(?P<whole>(?<![\w])an|{VALUE})[ \t\u00a0-]*{_H}(?:[ \t]*,(?=[ \t]*\d|[ \t]+and\b))?[ \t]*(?:and\s+|plus\s+)?{_MINUTES_AFTER}", read.hours_and),
    (rf"(?P<whole>(?<![\w])an|(?<![\w-])(?:{WORD}))[ \t-]+hours?[ \t]+(?:and[ \t]+)?(?P<rest>five|ten|fifteen|twenty(?:[-\s]five)?|thirty(?:[-\s]five)?|forty(?:[-\s]five)?|fifty(?:[-\s]five)?)\b(?!\s+(?:tasks?|meetings?|runs?))", read.hours_and),
    (r"\b(?P<hour>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?:[:.](?P<minute>[0-5]\d))?\s+in\s+the\s+(?P<part>morning|afternoon|evening)\b", read.in_the_day),
    (rf"(?P<whole>{VALUE})\s+and\s+(?P<part>a\s+half|a\s+quarter|three[\s-]quarters?|a\s+third|two[\s-]thirds)(?!\s+(?:tasks?|times))\b", read.and_a_part),
    (rf"(?P<whole>{VALUE})\s?{_H}[ \t](?P<rest>[0-5]\d)\b(?![:%]|[.,]\d|\s*%|[\s-]+(?:{_H}|percent\b|points?\b)|\s+of\b|{_COUNTED})", read.hours_and),
    (rf"(?P<n>{VALUE})[ \t\u00a0-]*{_H}", lambda g: read.hours(g["n"] or "0")),
    (rf"(?P<n>{VALUE})(?=\s+(?:out\s+)?of\s+(?:{VALUE}\s+(?:\w+\s+)?|(?:(?:the|your|my|those|these|all)\s+)+){_H})", lambda g: read.hours(g["n"] or "0")),
    (rf"(?P<n>{VALUE})(?=\s+(?:(?:[a-z]+ly|planned|billable|recorded|scheduled|working|worked|solid|free|full|whole|good|extra|more|estimated|expected|logged|focus(?:ed)?|tracked|booked|unbillable|billed|deep[\s-]work|meeting|actual)\s+){{1,3}}hours?\b)",
     lambda g: read.hours(g["n"] or "0")),
    (rf"(?P<n>{VALUE})[ \t\u00a0-]*{_MIN}", lambda g: [read.minutes(value, precision) for value, precision in values_of(g["n"] or "0")]),
    (r"\b(?:an|a\s+full|a\s+whole|a\s+single)\s+hour\b(?!\s+(?:ago|later|or\s+more))", lambda _: [read.minutes(Decimal(60), Decimal(30))]),
    (r"\bhalf\s+as\s+(?:much|long|many)\s+again\b", lambda _: [Reading("percent", Decimal(50), Decimal(2)), Reading("percent", Decimal(150), Decimal(2))]),
    (rf"\b(?P<part>half|(?:a|one|two|three|four|five|six|seven|eight|nine)[-\s](?:{_PART})s?)\b(?!\s+(?:an?\s+)?(?:hours?|day|days|past)\b)(?!\s+as\b)"
     r"(?!\s+(?:the|its|their)\s+(?:estimate|time))(?=\s+(?:of\b|the\b|your\b|my\b|planned\b|tasks?\b|over\b|under\b|above\b|below\b|more\b|less\b|fewer\b|longer\b|shorter\b|faster"
     r"|slower|off\b|again\b|beyond\b|on\b|in\b)|\s*[.,;:!?)]|\s+\w+\s+(?:was|were|is|are)\b|\s*$)", read.share),
    (r"\b(?P<part>(?:every|each)\s+(?:second|third|fourth|fifth))\b(?!\s+(?:day|week|time)\b)", read.share),
    (rf"(?P<a>{VALUE})\s+(?:(?:cases?|times|tasks?|hours?|minutes?)\s+)?(?:(?:out\s+)?of\s+every|in\s+every|out\s+of(?=\s+(?:ten|10)\b))\s+(?P<b>{VALUE})(?:\s+(?:hours?|tasks?|minutes?|cases?)\b)?", read.in_every),
    (rf"(?P<a>{VALUE})\s+in\s+(?P<b>{VALUE})(?!\s*(?:{_H}|{_MIN}|%|days?|weeks?|runs?|calls?|meetings?|blocks?|sittings?))", read.in_every),
    (r"\bhalf\s+(?=as\s+\w+|the\s+(?:estimate|time)|its|their|what\b)", read.constant("factor", Decimal("0.5"))),
    (rf"(?:\b(?P<half>one\s+and\s+a\s+half)\s+times\b|(?P<n>{VALUE})(?:\s?(?:×|x)(?!\w)|\s+times\b|-fold\b))",
     lambda g: [Reading("factor", Decimal("1.5"), read.ONE / 10)] if g["half"] else read.times(g)),
    (r"\b(?P<word>once|twice|thrice|doubled?|tripled?)\b(?!-)(?<!\bat once)", read.word_times),
    (rf"\bthe\s+(?P<n>\d{{1,2}})(?:st|nd|rd|th)\b(?!\s+(?:of\s+{_MONTH}|\w*\s*(?:time|day|week|run|task)))",
     lambda g: [Reading("date", (None, None, int(g["n"] or 0))), Reading("count", Decimal(g["n"] or 0))]),
    (rf"(?P<n>(?<![\w.,]){DIGITS})(?:st|nd|rd|th)?(?![\w]|[.,]\d|-(?:week|day|month)\b)", read.counted),
    (rf"(?<!\bon\s)(?<!\bfrom\s)(?<!\bat\s)(?<!\bno\s)\b(?:one|a\s+single){_COUNTED}(?!\s+(?:week|day|month)\s+(?:ago|before|earlier|later))", read.constant("count", read.ONE)),
    (r"(?:(?<=completed\s)|(?<=finished\s)|(?<=managed\s)|(?<=done:\s)|(?<=completed:\s))one\b", read.constant("count", read.ONE)),
    (rf"\bone(?=\s+(?:out\s+)?of\s+(?:(?:the|its|those|your)\s+)?(?:them\b|{VALUE}))", read.constant("count", read.ONE)),
    (r"\bone(?=\s+(?:is\s+|was\s+|are\s+|were\s+|has\s+|have\s+|had\s+|stays?\s+|stayed\s+|remains?\b|remained\b)?(?:been\s+|not\b\s*)?(?:still|left|open|remaining|to\s+go|done|finished|completed|missed|slipped)\b)", read.constant("count", read.ONE)),
    (r"(?<=[|:(*/]\s)one(?=\s*(?:[|,.;)*\n]|$))|(?<=vs\.\s)one\b|(?<=vs\s)one\b|(?<=\bwas\s)one(?=[.,;])|(?<=\bis\s)one(?=[.,;])|(?<=/)one\b|(?<=[|:(*]\s)one(?=\s*[|,.;)*\n])|(?<=[|(*])one(?=\s*[|,.;)*])|^one(?=\s*[,.;])", read.constant("count", read.ONE)),
    (rf"(?<!-)\b(?P<n>(?!one\b){WORD})\b(?!-(?:week|day|month)s?\b)", read.counted),
    (rf"\b(?P<n>{'|'.join(ORDINALS[2:])})(?=\s+(?:working\s+|consecutive\s+|straight\s+)?(?:day|week|time|run)\b)",
     lambda g: [Reading("count", Decimal(ORDINALS.index((g["n"] or "").lower()) + 1))]),
    (rf"\b(?P<n>{'|'.join(read.WEEKDAYS)})\b|\b(?P<short>mon|tue|wed|thu|fri)(?:s|rs?)?\b\.?(?!['’])|\b(?P<end>sat|sun)\b(?=[\s,.]*\d)|(?<=\()(?P<alone>sat|sun)(?=\))",
     lambda g: [Reading("weekday", next(n for n, name in enumerate(read.WEEKDAYS) if name.startswith((g["n"] or g["short"] or g["end"] or g["alone"] or "").lower())))]),
    (r"(?P<n>\d+(?:[.,]\d+)?)", read.counted),
)  # fmt: skip
