"""What the words of a prose, and the keys of the facts, are about."""

# ruff: noqa: E501, ISC004 - a pattern is read best on one line

import re

# concept -> words; a word may be about several things
_WORDS: dict[str, str] = {
    "task": "task tasks item items to-do to-dos todo todos jobs thing things chores deliverables",
    "completed": "completed complete completing completes finish finishes ended completion finished finishing done closed closing wrapped ticked"
    " delivered crossed checked knocked accomplished achieved managed shipped cleared settled behind",
    "planned": "planned promised intended plan planning agenda",
    "scheduled": "sched scheduled schedule blocks block blocked-out booked slots slot reserved",
    "slipped": "slipped slip slips slipping postponed missed carried undone unfinished pushed deferred rescheduled moved overdue delayed",
    "open": "open left remaining outstanding remain remains waiting pending missing unfinished undone",
    "step": "step steps",
    "deep": "deep focus focused focussed concentrated concentrating concentration uninterrupted undisturbed heads-down",
    "meeting": "mtg mtgs meeting meetings call calls appointments appointment met",
    "work": "work worked working works recorded tracked logged record clocked clock effort",
    "billable": "billable billed bill chargeable invoiceable billing invoiced charged invoice invoices chargeable client-billable",
    "nonbillable": "nonbillable unbillable non-billable unbilled non-chargeable internal",
    "unmarked": "unmarked neither untagged nobody unlabelled unclassified",
    "switch": "ctx switch switches switched switching context jumped jumps hopped hops changed jump bounced interrupted interruption interruptions",
    "event": "event events entries entry log inbox type",
    "run": "run runs sittings sitting session sessions times",
    "estimate": "est estimate estimated estimates estimation expected guess guessed thought forecast reckoned budgeted allotted",
    "actual": "act actual consumed required actually took taken takes take spent needed lasted cost needs used really",
    "past": "average averages averaged averaging past usual usually typical typically before previous previously earlier prior trend normally normal mean weekly-average"
    " four-week",
    "week": "week weeks",
    "day": "day days",
    "timer": "timer timers running clock since ticking stopwatch",
    "deadline": "deadline deadlines overdue due",
    "plan": "plans",
    "sprint": "sprint sprints",
    "share": "share shares portion proportion percentage made accounted",
    "drift": "drift drifts drifted drifting over under above below off beyond overrun overruns overran longer shorter",
    "rate": "rate completion hit success",
    "upcoming": "upcoming next tomorrow ahead coming first start starts begin begins",
    "beyond": "beyond threshold more",
    "typical": "factor median times",
    "trouble": "blocked delayed trouble stuck waiting",
    "streak": "streak row consecutive straight running",
    "source": "source sources",
    "now": "now today",
    "least": "least minimum stretches stretch",
    "difference": "gain gained improved climbed shrank more less fewer longer shorter over under above below extra up down ahead behind short saved rose risen fell fallen dropped drop grew"
    " difference gap beat beats beaten overran undercut faster slower quicker sooner later earlier higher lower increase decrease increased decreased missing remaining left exceeded exceeds beyond",
    "sum": "together total altogether combined sum overall all add adds",
}
# what several words say together; they are not read one by one
_DONE = r"(?:done|finish(?:ed)?|complet(?:e|ed)|happen(?:ed)?|closed|made|kept)"
_PHRASES: tuple[tuple[str, str], ...] = (
    (rf"\b(?:did|do|does|was|were|is|are|has|have|had)(?:\s+not|n['’]t)\s+(?:\w+\s+){{0,2}}?{_DONE}\b", "open"),
    (rf"\b(?:not|never)\s+(?:yet\s+)?(?:\w+\s+)?{_DONE}\b", "open"),
    (r"\b(?:did|does|do|has|have)(?:\s+not|n['’]t)\b(?=\s*(?:[.,;)]|$))", "open"),
    (r"\b(?:were|was|are|is)(?:\s+not|n['’]t)\b(?=\s*(?:[.,;)]|$))", "negated"),
    (r"\bleft\s+(?:undone|open|over|unfinished)\b|\bstay(?:ed|s)?\s+open\b|\bstill\s+(?:open|waiting|to\s+(?:do|come|go))\b|\bfell\s+through\b"
     r"|\bnot\s+to\s+be\b|\bundone\b", "open"),
    (r"\b(?:the\s+)?(?:last|previous|prior|preceding)\s+week(?!s)(?:'s|’s)?\b|(?:\b(?:the|a|one)\s+)?(?<!per\s)\bweek\s+(?:before|earlier|ago)\b", "past single_week"),
    (r"\b(?:last|previous|prior|preceding)\s+wk\b|\b(?:last|previous|prior|preceding|past)\s+(?:seven|7)\s+days\b|\b(?:seven|7)\s+days\s+(?:before|earlier)\b", "past single_week"),
    (r"\b(?:two|three|four|2|3|4)\s+weeks\s+(?:ago|earlier|before)\b|\b(?:two|three|2|3)-w(?:ee)?k\s+(?:average|avg|mean)\b", "past"),
    (r"\bthis\s+(?:week|day|time|one)(?:'s|’s)?\b|\btoday\b", "now"),
    (r"\b(?:four[-\s]week|weekly|usual|long-term)\s+(?:average|mean|norm)\b|\b(?:an?\s+)?(?:usual|typical|normal|average)\s+week\b|\bper\s+week\b", "past"),
    (r"\b(?:previous|last|past|earlier|preceding|prior)\s+(?:(?:four|4|few)\s+)?weeks\b", "past"),
    (r"\bdeep[-\s](?:work|focus)\b|\bfocus(?:ed|sed)?[-\s](?:time|work|hours|blocks?)\b", "deep"),
    (r"\b(?:work(?:ing|ed)?|tracked|recorded|logged)\s+(?:time|hours)\b|\bhours\s+(?:worked|recorded|tracked|logged)\b", "work"),
    (r"\bcontext[-\s]switch\w*\b|\bswitch\w*\s+between\s+tasks\b|\b(?:hopped|jumped|switched|bounced|changed|moved)\s+(?:between|from)\s+(?:one\s+)?tasks?"
     r"(?:\s+to\s+(?:another|task))?\b", "switch"),
    (r"\b(?:completion|hit|success|fulfil+ment)[-\s]rate\b", "rate completed planned"),
    (r"\b(?:things?|items?|entries|events)\s+(?:were\s+|was\s+|got\s+|have\s+been\s+)?(?:logged|recorded|noted)\b", "event"),
    (r"\b(?:would|should|was\s+(?:going|supposed|meant)\s+to|were\s+(?:going|supposed|meant)\s+to)\s+(?:take|need|cost|last)\b", "estimate"),
    (r"\b(?:estimated|expected|thought|reckoned|supposed|forecast)\s+to\s+(?:take|need|cost|last|require)\b", "estimate"),
    (r"^\W*(?:hours|time)(?=\s*\**:)", "work"),
    (r"\bnew\s+plans?\b|\bplans?\s+(?:were\s+|was\s+)?(?:made|drawn\s+up|created|written)\b", "plan"),
    (r"\b(?:changed|switched|swapped|juggled)\s+(?:your\s+|the\s+)?tasks\b|\bfrom\s+(?:one\s+)?task\s+to\s+(?:another|task|the\s+next)\b", "switch"),
    (r"\bin\s+a\s+row\b|\bon\s+end\b", "streak"),
    (r"\bover\s+the\s+finish\s+line\b|\b(?:got|get|getting)\s+done\b|\b(?:crossed|ticked|checked)\s+off\b|\bwrapped\s+up\b|\bknocked\s+out\b|\bput\s+to\s+bed\b|\bto\s+(?:a\s+close|an\s+end)\b"
     r"|\boff\s+(?:your|the)\s+(?:list|plate|desk)\b|\bsaw\s+\w+\s+through\b|\bmade\s+it\b(?!\s+(?:to|into))|\bcame\s+through\b", "completed"),
    (r"\bput\s+off\b|\bpushed\s+back\b|\b(?:held|rolled|carried)\s+over\b|\b(?:left|saved|kept)\s+for\s+(?:later|another\s+day|next\s+week)\b"
     r"|\bdown\s+the\s+road\b|\bto\s+(?:a|another|some)\s+later\s+(?:day|date|week)\b", "slipped"),
    (r"\b(?:did\s+not|didn['’]t|never)\s+make\s+it\b", "open"),
    (r"\b(?:no|without(?:\s+an?)?|lack(?:s|ing)?(?:\s+an?)?)\s+(?:billing|billable|billability)(?:\s+(?:mark|tag|label|flag|status)\w*)?\b", "unmarked"),
    (r"\b(?:not\s+(?:known|clear|said|decided|recorded|marked)|unclear|unknown|undecided|open)\s+(?:whether|if)\b", "unsure"),
    (r"\bneither\s+(?:\w+\s+)?(?:billable|billed|chargeable)\s+nor\s+(?:\w+\s+)?[\w-]+", "unmarked"),
    (r"\bset\s+out\s+(?:to\s+do|to|with|for)\b|\b(?:wanted|meant|hoped|aimed)\s+to\s+(?:do|finish|complete|get\s+through)\b|\bon\s+(?:your|the)\s+(?:to-?do\s+)?list\b", "planned"),
    (r"\bbetween\s+(?:\w+\s+)?tasks\b", "switch"),
    (r"\bbillable\s+share\b|\bshare\s+of\s+billable\b", "billable share"),
    (r"\b(?:planned|hoped|wanted|meant|aimed|intended|promised|set\s+out)\s+to\s+(?:bill|invoice|charge)\b|\b(?:billable|billing)\s+(?:plan|target|goal|promise)\b"
     r"|\bplan(?:ned)?\s+(?:of|for)\s+billable\b", "planned billable sprint"),
    (r"\b(?:cannot|can't|can\s+not|could\s+not|not\s+to)\s+be\s+(?:billed|invoiced|charged)\b", "nonbillable"),
    (r"\b(?:coming|next)\s+up\b", "upcoming"),
    (r"\b(?:calls?|called|aims?|aimed)\s+for\b|\b(?:target|goal|quota)\b", "planned"),
    (r"\bblocked\s+(?:out\s+)?(?:in|on)\s+(?:the|your)\s+(?:calendar|schedule)\b", "scheduled"),
    (r"\b(?:put|went|placed|entered)\s+(?:in(?:to)?|on(?:to)?)\s+(?:the|your)\s+(?:calendar|schedule)\b", "scheduled"),
    (r"\bon\s+the\s+calendar\b|\bin\s+the\s+calendar\b", ""),
    (r"\bthat\s+(?:were|was|had\s+been)\s+planned\b", ""),
    (r"\binstead\s+of\b|\bso\s+far\b|\bright\s+now\b|\bon\s+the\s+plan\s+for\b|\ball\s+in\s+all\b|\bout\s+of\b|\bin\s+all\b", ""),
    (r"\b(?:on\s+the\s+clock|on\s+record|put\s+in)\b", "work"),
    (r"\bplan\s+kept\b", "planned completed"),
)  # fmt: skip
PHRASES = tuple((re.compile(pattern, re.IGNORECASE), tuple(concepts.split())) for pattern, concepts in _PHRASES)
CONCEPTS_OF: dict[str, tuple[str, ...]] = {}
for _concept, _text in _WORDS.items():
    for _word in _text.split():
        CONCEPTS_OF[_word] = (*CONCEPTS_OF.get(_word, ()), _concept)

# the keys of the facts are fewer and plainer than the words of a prose
OF_KEYS: dict[str, str] = {
    word: concept
    for concept, words in {
        "task": "task tasks",
        "completed": "completed completion finished done",
        "planned": "planned",
        "scheduled": "scheduled",
        "slipped": "slipped",
        "open": "open",
        "step": "steps step",
        "deep": "deep",
        "meeting": "mtg mtgs meeting meetings",
        "work": "work worked",
        "billable": "billable",
        "nonbillable": "nonbillable",
        "unmarked": "unmarked",
        "switch": "context switches switch",
        "event": "event events",
        "run": "run runs",
        "estimate": "est estimate estimated",
        "actual": "actual",
        "past": "average earlier trend",
        "week": "week weeks",
        "day": "day days",
        "timer": "running since",
        "deadline": "due deadline",
        "plan": "plans",
        "sprint": "sprint",
        "share": "share",
        "drift": "drift variance",
        "upcoming": "upcoming ahead",
        "beyond": "beyond",
        "typical": "factor",
        "trouble": "blocked trouble",
        "streak": "streaks streak",
        "least": "least",
    }.items()
    for word in words.split()
}
