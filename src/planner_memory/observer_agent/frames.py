"""The frames of sentences, and which figures stand in them.

In a pattern `{a}` is a number, `@` a name, `…` words without a number inside one clause, `{measure}` what is measured. A reading says for each
number what it is: `=` that figure, `~` that difference, in the direction that the words say, `+` and `-` more and less by it, `<` and `>` less and more than it, `!` that there is
none. `$` stands for the measure that the words name, or for any one where they name none: both numbers are then of the same one.
"""

# ruff: noqa: E501 - a pattern is read best on one line

import re
from dataclasses import dataclass

_MEASURES = {
    "nonbillable": r"(?:not|non)[\s-]billable|(?:not|cannot|\w+n't) be (?:billed|invoiced|charged)|unbillable|unbilled",
    "unmarked": r"unmarked",
    "billable": r"billable(?: (?:hours|time|work))?|billed",
    "deep": r"deep[\s-]work|focus(?:ed)? (?:work|time)|concentrated work",
    "meeting": r"meetings?(?: (?:time|hours))?|time in meetings",
    "meetings": r"meetings?",
    "work": r"(?:work(?:ed|ing)?|tracked|recorded|logged) (?:hours|time)|hours of work|hours worked|work(?:ed)?|tracked",
    "completion": r"completion(?: rate)?",
    "tasks": r"(?:completed |finished |closed )?tasks?",
    "switches": r"context switch(?:es)?|switches",
}
MEASURES = {key: re.compile(words, re.IGNORECASE) for key, words in _MEASURES.items()}
_MEASURE = rf"\b(?P<measure>{'|'.join(_MEASURES.values())})\b"
_THE = r"(?:(?:the|your|my|its|their|all|those|these|an?|only|just|about|some|nearly|almost|roughly|around|today's|this week's|a little|slightly|over|under|below|above|more than|less than|exactly) )*"
_AGAINST = (
    r"(?:against|instead of|rather than|versus|vs\.?|compared (?:with|to)|compares? (?:with|to)|where|with|while|for|of|out of|after|;|,|:|from)"
)
_BESIDE = r"(?:against|instead of|versus|vs\.?|compared (?:with|to)|compares? (?:with|to)|below|above|over|under|beyond|short of|higher than|lower than|more (?:\w+ )?than|less (?:\w+ )?than|fewer (?:\w+ )?than|close to|near|at|around|than|well above|well below|from)"
_WEEK_BEFORE = r"(?:(?:the |a )?week before(?! that)|(?:the |your )?(?:previous|last|prior|preceding) week|(?:the )?week earlier)"
_MOVED = r"(?:fell|dropped|rose|grew|climbed|declined|increased|decreased|shrank|sank|up|down|lower|higher)"
_WENT = r"(?:fell|dropped|rose|grew|went|climbed|declined|increased|decreased|shrank|moved|came|is|are|was|were|sank|up|down)"
_PLAN = r"(?:plan(?:ned)?|target|goal|quota|promised?)"
_MORE = (
    r"(?:more|less|fewer|longer|shorter|faster|slower|quicker|over|under|above|below|early|earlier|late|later|beyond|ahead|behind|too (?:long|short))"
)


@dataclass(frozen=True, slots=True)
class Frame:
    pattern: re.Pattern[str]
    specs: tuple[str, ...]
    section: str = ""
    when: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    is_strict: bool = True  # what does not hold is wrong; else the other readings are asked

    @property
    def is_of_tasks(self) -> bool:
        return any("task." in spec and "now." not in spec for spec in self.specs)

    def applies(self, text: str, said: str) -> bool:
        """`said` is the heading and the sentence as it stands, numbers and all."""
        return (self.when is None or self.when.search(said) is not None) and (self.unless is None or self.unless.search(text) is None)


def _pattern(text: str) -> re.Pattern[str]:
    text = re.sub(r"\{(\w)\}", r"⟨(?P<\1>\\d+)⟩", text)
    for mark, meaning in {
        "…": r"[^⟨⟩;:\n]*?",
        "{measure}": _MEASURE,
        "{the}": _THE,
        "{against}": _AGAINST,
        "{beside}": _BESIDE,
        "{weekbefore}": _WEEK_BEFORE,
        "{went}": _WENT,
        "{moved}": _MOVED,
        "{plan}": _PLAN,
        "{more}": _MORE,
        "{gap}": r"[^⟨⟩\n]*?",
    }.items():
        text = text.replace(mark, meaning)
    return re.compile(text.replace(" ", r"\s+"), re.IGNORECASE | re.MULTILINE)


def _frame(pattern: str, *specs: str, section: str = "", when: str = "", unless: str = "", loose: bool = False) -> Frame:
    return Frame(_pattern(pattern), specs, section, _pattern(when) if when else None, _pattern(unless) if unless else None, not loose)


_PARTS = (
    _frame(r"\bof {the}{b}(?: hours?)?(?:(?!plan)[^⟨⟩;:\n])*?,\s+{the}{a}…{measure}", "a=now.$ b=now.work", unless=r"\b(?:plan|planned)\b"),
    _frame(r"{a} (?:out )?of {the}{b}(?: hours)?…(?:was|were|is|are|went|counted|can be|could be|as)…{measure}", "a=now.$ b=now.work", unless=r"⟩[^⟨⟩]*\bplan|average|week before"),
    _frame(r"\b(?:of|within|out of) {the}{b} (?:hours )?(?:of work|you worked|worked|you (?:recorded|tracked|logged)|recorded|tracked|logged)\b", "b=now.work", unless=r"average|before|last|@|previous", loose=True),
    _frame(r"\b(?:worked|tracked|recorded|logged) {the}{a} (?:hours )?against {the}{b} (?:hours )?(?:scheduled|on the (?:schedule|calendar))", "a=now.work b=now.scheduled", unless="@"),
    _frame(r"\bof {the}{a}(?: hours)?,? all but {the}{b} (?:hours )?…(?:was|were|is|are|could be|can be) (?:billable|billed)\b", "a=now.work b=now.nonbillable"),
    _frame(r"\ball but {the}{b} (?:hours )?…(?:was|were|is|are|could be|can be) (?:billable|billed)\b", "b=now.nonbillable"),
    _frame(r"\b(?:blocked|scheduled|booked|reserved) {the}{a} (?:hours )?(?:and|but) (?:you )?(?:only )?(?:worked|used|spent|needed|put in) {the}{b}", "a=now.scheduled b=now.work", unless="@"),
    _frame(r"\bhad {the}{a} (?:hours )?(?:scheduled|blocked|booked|reserved|in the calendar|on the schedule) (?:and|but) (?:you )?(?:only )?(?:worked|used|spent|needed|put in) {the}{b}", "a=now.scheduled b=now.work", unless="@"),
    _frame(r"{p} (?:done|complete|completed|finished)\b", "p=now.completion", unless="@|last|before|average|week", loose=True),
    _frame(r"{a},? {the}{b} of (?:it|that|this|them|which)…{measure}", "a=now.work b=part.$", "a=now.work b=now.$", "a=before.work b=before.$"),
    _frame(r"{a} of {the}(?:recorded |tracked |logged |working )?(?:time|hours|work|day|week)(?: worked| tracked| recorded)?…(?:was|were|is|are|went|counted|can be|could be)…{measure}", "a=part.$", unless=r"sprint", loose=True),
    _frame(r"{a} of {the}(?:recorded |tracked |logged )?(?:time|hours|work)(?: worked| tracked| recorded)? (?:was|were|is|are|can be) {measure}", "a=sprint.billable", when="sprint"),
    _frame(r"\bwhat you (?:cannot|can not|can't|could not)(?: bill| invoice| charge)?\W+{a}", "a=now.nonbillable"),
    _frame(r"(?:less|fewer) than {a} of {the}(?:time|hours|work\w*|day|week)(?: worked| tracked)?,? {the}{b},?…{measure}", "a>part.$ b=part.$", "a>part.$ b=now.$"),
    _frame(r"(?:more|over) than {a} of {the}(?:time|hours|work\w*|day|week)(?: worked| tracked)?,? {the}{b},?…{measure}", "a<part.$ b=part.$", "a<part.$ b=now.$"),
    _frame(r"(?:less|fewer) than {a} of {the}(?:time|hours|work\w*|day|week)…(?:was|were)…{measure}", "a>part.$"),
    _frame(r"(?:more|over) than {a} of {the}(?:time|hours|work\w*|day|week)…(?:was|were)…{measure}", "a<part.$"),
    _frame(r"(?:meetings?|calls?) (?:took|lasted|cost|filled|needed|came to|added up to)(?: up)? {the}{a}(?![^\n]*\b(?:each|average|week)\b)", "a=now.meeting", unless=r"@|⟨\d+⟩[^⟨⟩]*average"),
    _frame(r"(?:worked|tracked|recorded|logged|took)…{a},?…(?:while|against|with|where|and|but|;)…{b} (?:hours )?(?:\w+ ){0,3}?(?:scheduled|schedule|calendar)", "a=now.work b=now.scheduled", unless=r"@|ahead|next|tomorrow", loose=True),
    _frame(r"\bworked {the}{a}(?: hours)? {against} {the}{b} (?:hours )?scheduled", "a=now.work b=now.scheduled", unless=r"@"),
    _frame(r"{a}…(?:worked|tracked|recorded|logged)…(?:while|against|with|where|and|but|;)…{b} (?:hours )?(?:\w+ ){0,3}?(?:scheduled|schedule|calendar)", "a=now.work b=now.scheduled", unless=r"@|ahead|next|tomorrow"),
    _frame(r"\bblocks in {the}(?:schedule|calendar) (?:added up|came|summed up|amounted) to {the}{a}", "a=now.scheduled", unless="@|ahead|next|tomorrow"),
    _frame(r"\bmeetings? of (?:only |just |about )?{a}(?! each)", "a=now.meeting", unless=r"@|each|average|week before"),
    _frame(r"{a} (?:hours )?(?:had been|was|were) (?:scheduled|on the schedule)", "a=now.scheduled", unless=r"@|ahead|next|tomorrow", loose=True),
)  # fmt: skip
_TREND = (
    _frame(r"{measure}…{went}…(?:from|after) {the}average (?:of )?{a} to {the}{b}", "a=average.$ b=now.$"),
    _frame(r"{measure}…{went}…to {the}{b},? (?:from|after) {the}average (?:of )?{a}", "a=average.$ b=now.$"),
    _frame(r"{measure}…{went}…from {the}{a} to {the}{b}", "a=before.$ b=now.$", "a=average.$ b=now.$", unless=r"@|stretch|\bbefore\b|earlier|\bthen\b|⟨\d+⟩[^⟨⟩]*⟨\d+⟩[^⟨⟩]*⟨"),
    _frame(r"{measure}…{went}…to {the}{b},? from {the}{a}", "a=before.$ b=now.$", "a=average.$ b=now.$", unless=r"@|stretch|\bbefore\b|earlier|\bthen\b|⟨\d+⟩[^⟨⟩]*⟨\d+⟩[^⟨⟩]*⟨"),
    _frame(r"{measure}…{a}…{beside} {the}(?:\w+[- ]week )?average (?:of )?{b}", "a=now.$ b=average.$", "a~average_gap.$ b=average.$"),
    _frame(r"{a}…{measure}…{beside} {the}(?:\w+[- ]week )?average (?:of )?{b}", "a=now.$ b=average.$", "a~average_gap.$ b=average.$"),
    _frame(r"{a}…{beside} {the}(?:\w+[- ]week )?average (?:of )?{b}", "a=now.$ b=average.$", "a~average_gap.$ b=average.$", loose=True),
    _frame(r"\baverage of {b} {measure}…{a}(?: now| this week)?", "b=average.$ a=now.$", unless=r"over ⟨\d+⟩ weeks[^⟨⟩]*$|(?:than|below|above) an average", loose=True),
    _frame(r"{measure}…\b(?:over|in|of) {a} weeks", "a=average.weeks", when=r"\baverage\b", loose=True),
    _frame(r"\b(?:over|in|of|{a}) (?:the )?(?:last )?{b} weeks", "b=average.weeks", when=r"\baverage\b", loose=True),
    _frame(r"{a} {measure} this week,? (?:and )?{the}{b} {weekbefore}", "a=now.$ b=before.$", unless="@"),
    _frame(r"^\W*(?:one |a )?week (?:ago|earlier|before),? (?:it|this|that) (?:was|had been) {a} {measure}", "a=before.$", unless="@"),
    _frame(r"^\W*{measure}…{weekbefore}\W+{a}\W*$", "a=before.$", unless="@"),
    _frame(r"{measure}…{moved} (?:by )?{the}{a}(?! (?:to|from)\b)", "a~average_gap.$", when="average|usual", unless=r"@|before|⟨\d+⟩[^⟨⟩]*⟨"),
    _frame(r"\b{a} tasks and {b}(?: of work)?\W*$", "a=average.tasks b=average.work", when="^[^⟨⟩]*average"),
    _frame(r"{a} (?:hours )?(?:of )?{measure},? (?:up|down) from {the}{b}\W*$", "a=now.$ b=average.$", "a=now.$ b=before.$", unless="@"),
    _frame(r"{measure}…{a},? with an average of {b}", "a=now.$ b=average.$", unless="@"),
    _frame(r"\baverag\w*[^\n;]*?{a} (?:hours (?:of )?)?{measure}", "a=average.$", unless=r"this week|\bnow\b|against|\bthan\b|above|below|@|;"),
    _frame(r"{measure}…{a}…{against} {the}{b}\W*$", "a=now.$ b=average.$", "a=now.$ b=before.$", section="trend", unless=r"@|average|week|⟨\d+⟩[^⟨⟩]*⟨\d+⟩[^⟨⟩]*⟨"),
    _frame(r"{weekbefore}:? {the}{a}…{against} {the}{b}", "a=now.$ b=before.$", when=r"{measure}", unless=r"average|this one|tasks? (?:out )?of"),
    _frame(r"{a} {the}{measure}…{beside} {the}{b}(?: {measure2})?(?: in| of| from)? {weekbefore}".replace("{measure2}", "\\w+"), "a=now.$ b=before.$"),
    _frame(r"{measure}…{a}…{beside} {the}{b}(?: \w+)?(?: in| of| from)? {weekbefore}", "a=now.$ b=before.$", "a~before_gap.$ b=before.$"),
    _frame(r"{a} {measure}{gap}(?:this one|this week|now)\b{gap}{b}", "a=before.$ b=now.$", when=rf"^\W*(?:in )?{_WEEK_BEFORE}\b"),
    _frame(r"{a} (?:hours |tasks |meetings |switches )?(?:below|above|under|over|less than|more than|fewer than|short of|beyond) {the}(?:on )?(?:[\w-]+[- ]week )?average(?: of {b})?", "a~average_gap.$ b=average.$", "a~average_gap.$", unless="@"),
    _frame(r"{a} (?:hours |tasks |meetings |switches )?(?:less|more|fewer) than (?:in |on )?{weekbefore}", "a~before_gap.$", unless=r"@|average"),
    _frame(r"{a},? (?:when|while|whereas|where|against) {the}(?:\w+ )?average(?: (?:over|of|for|in) {the}[^,;:\n]*?weeks)?…(?:is|was|of|stands at|lies at) {the}{b}", "a=now.$ b=average.$"),
    _frame(r"(?<!\bof\s)(?<!\bof\sthe\s){a} {measure}", "a=before.$", when=rf"^\W*(?:in )?{_WEEK_BEFORE}\b", unless=r"average|this one|this week|\bnow\b|\bless|\bmore"),
    _frame(r"\baverage {measure}(?:[^\n]*?\bweeks)?(?: (?:is|was))?\W+{a}\W*$", "a=average.$", unless="@"),
    _frame(r"(?<!⟩\s){measure} of {a}", "a=before.$", when=rf"^\W*(?:in )?{_WEEK_BEFORE}\b", unless=r"average|this one|this week|\bnow\b|\bless|\bmore"),
)  # fmt: skip
_SPRINT = (
    # two numbers: done and planned, in the order that the words say
    _frame(r"\bof {the}{b} (?:hours )?(?:of )?planned billable (?:time|hours|work),? you (?:have )?(?:worked|did|billed|recorded|reached) {the}{a}", "b=sprint.plan a=sprint.done"),
    _frame(r"{p} of {the}{plan}…(?:hours|time|work)?\s*[:,(–—-]+\s*{the}{a}…{against} {the}{b}", "p=sprint.share a=sprint.done b=sprint.plan", "p=sprint.share a=now.billable b=sprint.plan"),
    _frame(r"billable…{p} of (?:the|your) plan\s*[:,(–—-]+\s*{the}{a}…{against} {the}{b}", "p=sprint.share a=sprint.done b=sprint.plan"),
    _frame(r"(?:instead of|against|where|while|of) {the}{b}…{plan}…{a}", "b=sprint.plan a=sprint.done", when=r"billable|sprint", unless=r"@|⟨\d+⟩[^⟨⟩]*⟨\d+⟩[^⟨⟩]*⟨\d+⟩"),
    _frame(r"\b(?:{plan})\b…{b}[^⟨⟩\n]*?(?:;|,|\band\b|\bbut\b|:|\.)[^⟨⟩\n]*?{a}", "b=sprint.plan a=sprint.done", section="sprint"),
    _frame(r"\b{plan}\b…{b} (?:hours )?(?:of )?billable\b…\b(?:has|have|had) seen {the}{a}", "b=sprint.plan a=sprint.done"),
    _frame(r"\b{plan}\b…{b} (?:hours )?(?:of )?billable\b…[;,]…{a}", "b=sprint.plan a=sprint.done"),
    _frame(r"{b} (?:billable )?(?:hours )?(?:\w+ ){0,2}?{plan}…(?:;|,|\band\b|\bbut\b|\bwhile\b)…{a}…(?:done|worked|recorded|logged|reached|delivered|tracked|billed)?", "b=sprint.plan a=sprint.done", section="sprint"),
    _frame(r"{a}[^⟨⟩\n]*?{against} [^⟨⟩\n]*?{b}", "a=sprint.done b=sprint.plan", section="sprint", unless=r"\bshort of|above|over the plan|\bplanned\b[^⟨⟩]*⟨\d+⟩[^⟨⟩]*[;,][^⟨⟩]*⟨|average"),
    _frame(r"{a} (?:were )?billable…(?:against|instead of|where|of) {the}{b} (?:\w+ )?{plan}", "a=sprint.done b=sprint.plan", unless=r"@"),
    _frame(r"{a} on billable work,…(?:above|below|over|under|beyond) the {b} {plan}", "a=sprint.done b=sprint.plan"),
    _frame(r"{a}…which is {p} of the {b} {plan}", "a=sprint.done b=sprint.plan p=sprint.share", when=r"bill"),
    _frame(r"{a} (?:billable )?(?:hours )?(?:are|were|is|was|stayed|ended)? ?{b} (?:short|shy|above|over|below|under|behind|ahead|more|less)", "a=sprint.done b~sprint.gap", section="sprint"),
    _frame(r"(?:with|at) {a}…{b} (?:short|shy|above|over|below|under|behind|ahead|more|less)", "a=sprint.done b~sprint.gap", section="sprint"),
    _frame(r"{a}…missing (?:to|from|for) {the}plan (?:of )?{b}", "a~sprint.gap b=sprint.plan", section="sprint"),
    _frame(r"\bof {the}{b} (?:\w+ ){0,2}?{plan} (?:\w+ )?billable[^⟨⟩\n]*?{a}[^⟨⟩\n]*?{p}", "b=sprint.plan a=sprint.done p=sprint.share"),
    # one number
    _frame(r"{a} of billable (?:work|time) (?:are|is|were|was) (?:still )?missing\b", "a-sprint.gap"),
    _frame(r"within {a} of {the}(?:billable )?{plan}", "a=sprint.gap"),
    _frame(r"{a} (?:billable )?(?:hours )?(?:short of|shy of|above|over|below|under|beyond|behind|ahead of|more than|less than) {the}(?:billable )?{plan}", "a~sprint.gap", "a~sprint.gap_percent", when=r"bill|sprint", unless=r"@"),
    _frame(r"{a} (?:short of|shy of|above|over|below|under|beyond|behind|ahead of) {the}(?:billable )?{plan}", "a~sprint.gap", "a~sprint.gap_percent", section="sprint"),
    _frame(r"{plan}…(?:exceeded|beaten|passed|overshot|topped|surpassed) by {the}(?:good )?{a}", "a+sprint.gap", "a+sprint.gap_percent", when=r"bill|sprint", unless=r"@"),
    _frame(r"{plan}…(?:missed|undershot) by {the}{a},? (?:or|i\.e\.|that is) {b}", "a-sprint.gap b=sprint.gap_percent", when=r"bill|sprint", unless=r"@"),
    _frame(r"{plan}…(?:missed|undershot) by {the}(?:good )?{a}", "a-sprint.gap", "a-sprint.gap_percent", when=r"bill|sprint", unless=r"@"),
    _frame(r"(?:exceeded|beat|passed|overshot|topped|surpassed) {the}…{plan}…by {the}(?:good )?{a}", "a+sprint.gap", "a+sprint.gap_percent", when=r"bill|sprint", unless=r"@"),
    _frame(r"(?:missed|undershot) {the}…{plan}…by {the}(?:good )?{a}", "a-sprint.gap", "a-sprint.gap_percent", when=r"bill|sprint", unless=r"@"),
    _frame(r"(?:exceeded|beat|passed|overshot|topped|surpassed) {the}…{plan} of {b} by {the}(?:good )?{a}", "b=sprint.plan a+sprint.gap", when=r"bill|sprint", unless=r"@"),
    _frame(r"(?:missed|undershot) {the}…{plan} of {b} by {the}(?:good )?{a}", "b=sprint.plan a-sprint.gap", when=r"bill|sprint", unless=r"@"),
    _frame(r"planned billable (?:time|hours|work) of {the}{a}", "a=sprint.plan"),
    _frame(r"{a} of billable (?:work|time) (?:had been|was|were) {plan}", "a=sprint.plan"),
    _frame(r"^\W*(?:you )?(?:\w+ )?{a}(?: hours)?… (?:were|was|are)? ?(?:recorded|logged|tracked|done|worked|billed|delivered)\b", "a=sprint.done", section="sprint", unless=r"⟨\d+⟩[^⟨⟩]*⟨|{plan}"),
    _frame(r"^\W*{a} were {plan}", "a=sprint.plan", section="sprint"),
    _frame(r"{a}", "a=sprint.done", section="sprint", unless=r"⟨\d+⟩[^⟨⟩]*⟨|{plan}|\bby\b|above|below|short|missing", loose=True),
    _frame(r"{a}", "a=sprint.share", section="sprint", unless=r"⟨\d+⟩[^⟨⟩]*⟨|\bby\b|above|below|short|missing|beyond", loose=True),
    _frame(r"{plan}…(?:was|is|were|of|for|had|held) {the}{a}", "a=sprint.plan", "a=sprint.share", section="sprint", unless=r"⟨\d+⟩[^⟨⟩]*⟨", loose=True),
    _frame(r"(?:delivered|reached|hit|met|covered|got to)…{the}{a}…(?:of (?:the |your )?(?:billable )?{plan}|\W*$)", "a=sprint.share", section="sprint", unless=r"⟨\d+⟩[^⟨⟩]*⟨"),
)  # fmt: skip
_TASKS = (
    _frame(r"\bplanned\W+{a}\W+(?:done|kept|completed|finished)\W+{b}(?!\s*\w)", "a=now.planned b=now.kept", unless="@|last|before|⟨\\d+⟩ hours|\\bh\\b"),
    _frame(r"{a} (?:\w+ )?tasks? (?:were|was|stood) (?:planned|on {the}(?:agenda|plan|list)|down)\b…(?:;|,|and|but) you (?:\w+ )?(?:completed|finished|did|managed|closed) {the}{b}(?! \w*\s*tasks?)", "a=now.planned b=now.kept", unless="@|last|before"),
    _frame(r"\bplanned tasks\W+{a}\W+(?:done|kept|completed|finished)\W+{b}(?!\s*\w)", "a=now.planned b=now.kept", unless="@|last|before"),
    _frame(r"^\W*{a} (?:planned )?tasks? (?:did not|didn't) happen\b", "a=list.slipped", "a=now.missed", unless="@"),
    _frame(r"^\W*{a} (?:down|done|finished|completed|closed)\W+{b} (?:slipped|postponed|to go|left|missed|open|not)\b", "a=now.kept b=list.slipped", "a=now.kept b=now.missed", "a=now.tasks b=list.slipped", unless="@"),
    _frame(r"\bkept (?:to )?(?:the|your) plan…{a} (?:straight |consecutive )?(?:working )?days\b", "a=streak.plan", unless=r"⟨\d+⟩[^⟨⟩]*⟨"),
    _frame(r"\bstreak of (?:days with )?(?:kept plans?|plan-keeping|(?:the |a )?plans? kept)…{a}", "a=streak.plan"),
    _frame(r"\bstreak of (?:days with )?(?:a |at least one )?(?:completed|finished)(?: tasks?)?…{a}", "a=streak.task"),
    _frame(r"\bstreak of (?:days (?:with|of) )?deep work…{a}", "a=streak.deep"),
    _frame(r"{a} of {the}(?:planned tasks|tasks planned|tasks (?:that )?(?:you|I) (?:had )?planned|tasks on the plan)\b", "a=now.completion", unless=r"@|last|before|average|week|not|slipped|open", loose=False),
    _frame(r"\byou planned {a} tasks? and (?:\w+ )?(?:finished|completed|did|closed) {b}(?! \w)", "a=now.planned b=now.kept", unless="@|last|before"),
    _frame(r"{a} (?:were not|weren't|are not|aren't|did not|didn't)\W*$", "a=now.missed", "a=list.slipped", when=r"\bplanned\b|\bplan\b", unless=r"@|last|before|week|\bh\b|hours", loose=True),
    _frame(r"\blist (?:shrank|got shorter|is shorter|went down) by {a}", "a=now.tasks"),
    _frame(r"\bshare of {the}(?:planned tasks|plan)…(?:finished|completed|done|kept|met) (?:is|was|came to|stands at) {the}{a}", "a=now.completion", unless="last|before|average"),
    _frame(r"\b(?:entries|events)\W+{a},? of (?:which|them|these|those)\b", "a=log.events"),
    _frame(r"{a} (?:log )?(?:entries|events),? of (?:which|them|these|those)\b", "a=log.events"),
    _frame(r"{a} of {the}{b}(?: planned)?(?: tasks)?…(?:slipped|left over|left|not done|no new|undone|missed|without|open|unfinished)", "a=list.slipped b=now.planned", "a=now.missed b=now.planned", "a=list.undated b=now.planned", "a=list.undated b=list.slipped", unless=r"step|run|@[^⟨]*has|⟨\d+⟩ done", loose=True),
    _frame(r"of {the}{b} (?:planned )?tasks…(?:,|:) {a}…(?:slipped|left|not|open|undone|missed)", "a=list.slipped b=now.planned", "a=now.missed b=now.planned"),
    _frame(r"{a} (?:planned )?(?:tasks?|of them)…(?:left over|not done|no new|undone|without|slipped|new (?:date|time|slot|day))", "a=list.slipped", "a=now.missed", "a=list.undated", unless=r"step|\bof ⟨", loose=True),
    _frame(r"{a} (?:open|missed|unfinished|remaining) tasks", "a=list.slipped", when=r"\?\s*$", unless=r"@|⟨\d+⟩[^⟨⟩]*⟨", loose=True),
    _frame(r"{a} (?:\w+ )?(?:tasks|of them|of those)\W*@", "a=list.named", unless=r"step|⟨\d+⟩[^⟨⟩]*⟨|open", loose=True),
    _frame(r"{a} (?:scheduled )?tasks?…tomorrow", "a=tomorrow.tasks", unless=r"⟨\d+⟩[^⟨⟩]*⟨\d+⟩[^⟨⟩]*tomorrow|done|completed", loose=True),
    _frame(r"tomorrow…{a} (?:scheduled )?tasks?", "a=tomorrow.tasks", unless=r"done|completed", loose=True),
    _frame(r"\bnot {a} (?:planned |completed |context )?{measure}", "a!now.$"),
    _frame(r"\bat least {x} (?:completed |finished )?task(?:s)?\b…{a} days? (?:in a row|running|straight|on end)", "x=1 a=streak.task"),
    _frame(r"(?:run|streak|series) of days (?:with|on which)…(?:task|completed|finished)…to {a}", "a=streak.task"),
    _frame(r"{a} days?…(?:in a row|running|straight|on end)…(?:completed|finished|closed)", "a=streak.task", unless=r"plan|deep|⟨\d+⟩[^⟨⟩]*⟨"),
    _frame(r"{a} days?…(?:in a row|running|straight|on end)…deep", "a=streak.deep", unless=r"complet|finish|⟨\d+⟩[^⟨⟩]*⟨"),
    _frame(r"{a} days?…(?:in a row|running|straight|on end)…(?:kept|keeping|met) the plan", "a=streak.plan", unless=r"complet|finish|deep|⟨\d+⟩[^⟨⟩]*⟨"),
)  # fmt: skip
_AHEAD = (
    *(_frame(r"{a} (?:hours )?(?:are|is) (?:scheduled|planned|booked|(?:on|in) the calendar)(?: for {b} tasks)?", "a=ahead.hours b=ahead.tasks", "a=ahead.tasks", section=s, loose=True) for s in ("next", "tomorrow", "focus")),
    *(_frame(r"{a} (?:of them )?(?:are|is) scheduled,? with {b}", "a=ahead.tasks b=ahead.hours", section=s, loose=True) for s in ("next", "tomorrow", "focus")),
    _frame(r"{a} (?:more )?(?:scheduled )?tasks? with {the}{b}", "a=ahead.tasks b=ahead.hours", unless=r"@|today|done|completed|slipped"),
    _frame(r"{a} (?:more |scheduled )*tasks? and {the}{b}…(?:ahead|schedule|next)", "a=ahead.tasks b=ahead.hours", unless=r"@|today|done|completed|slipped"),
    _frame(r"{a} (?:more |scheduled )*tasks?,? (?:worth )?{the}{b} (?:hours )?(?:in total|in all|altogether)?", "a=ahead.tasks b=ahead.hours", when=r"schedule|ahead|next", unless=r"@|today|done|completed|slipped|tomorrow|worked"),
    _frame(r"{a} tasks?…(?:are|is|remain|still|stay)…open,? (?:and |with )?{the}{b}…scheduled", "a=list.open b=ahead.hours", unless=r"@|⟨\d+⟩ of them"),
    _frame(r"{a} (?:hours )?(?:are|is|lie|lies|stand|wait)?…\b(?:scheduled ahead|ahead|scheduled from here)", "a=ahead.hours", "a=ahead.tasks", unless=r"@|tomorrow|today|of the|⟨\d+⟩[^⟨⟩]*⟨", loose=True),
    _frame(r"{a} tasks? (?:are|is|remain) (?:scheduled|on the (?:schedule|calendar))", "a=ahead.tasks", unless=r"@|tomorrow|today|\bon \w+day|done|completed", loose=True),
    _frame(r"{a} tasks? (?:are|is|remain) (?:scheduled|ahead|on the schedule)", "a=ahead.tasks", section="focus", unless=r"@|tomorrow|today|\bon \w+day", loose=True),
)  # fmt: skip
_RECORDS = (
    _frame(r"@ \({a},? (?:\w+ )?(?:estimated?|planned|expected)(?: at| to take)? {b}\)", "a=task.actual b=task.estimate"),
    _frame(r"\bsav(?:ed|es|ing) (?:you )?{the}{a} on @", "a-task.over"),
    _frame(r"{a}…(?:against|instead of|versus|vs\.?|compared with|where|while|for) {the}{b}…(?:estimated?|expected|planned|guessed|reckoned|figured|thought)?", "a=task.actual b=task.estimate", "a=run.actual b=run.estimate", unless=r"average|week before|last week|⟨\d+⟩[^⟨⟩]*⟨\d+⟩[^⟨⟩]*⟨", loose=True),
    _frame(r"{a}[,;] …{b}…(?:had been|was|were|been)? ?(?:estimated|expected|planned)", "a=task.actual b=task.estimate", unless=r"average|⟨\d+⟩[^⟨⟩]*⟨\d+⟩[^⟨⟩]*⟨", loose=True),
    _frame(r"from (?:an )?(?:estimated|expected|planned) {b} to {the}{a}", "a=task.actual b=task.estimate"),
    _frame(r"\b(?:in|took|needed|lasted|done in|after) {the}{a},? {the}{b} {more}", "a=task.actual b~task.over", "a=task.actual b~task.percent"),
    _frame(r"{a} {more}(?: than| of)? (?:\w+ )?(?:estimated?|planned|expected|usual)", "a~task.over", "a~task.percent", "a~run.percent", unless=r"average|⟨\d+⟩[^⟨⟩]*⟨", loose=True),
    _frame(r"(?:exceeded|overran|overshot|missed|beat|undercut) (?:its|the|your) (?:estimate of )?{b}…by {the}{a}", "b=task.estimate a~task.over", "b=task.estimate a~task.percent"),
    _frame(r"{a} {more} (?:than )?(?:its|the) (?:estimate of )?{b}", "a~task.over b=task.estimate", "a~task.percent b=task.estimate", unless=r"average|week before|shorter|plan of"),
    _frame(r"(?:shaved|took|cut|knocked) {a} off\b", "a=task.over"),
    _frame(r"(?:finished|ended|done|came in|was|were|closed) {the}{a} (?:early|late|over|under)(?=\W*(?:$|and))", "a~task.over", "a~task.percent", unless=r"⟨\d+⟩[^⟨⟩]*⟨", loose=True),
    _frame(r"(?:kept to|stayed within|met|matched|right on) (?:its|the|their) {a}", "a=task.estimate", "a=task.actual", unless=r"⟨\d+⟩[^⟨⟩]*⟨", loose=True),
    _frame(r"@ (?:ran|went|was|came|ended|is) {a} (?:over|above|longer|under|below)…,? (?:and )?@ (?:by )?{b}(?: (?:over|above|under|below))?\W*$", "a=task.percent b=task.percent"),
)  # fmt: skip
_PATTERNS = (
    _frame(r"{r}…runs (?:took|needed|cost) {the}{a}{gap}{b}…estimated", "r=run.runs a=run.actual b=run.estimate"),
    _frame(r"(?:took|needed|cost|at) {the}{a}…(?:in|over|across|after) {r} runs{gap}{b}…estimated", "r=run.runs a=run.actual b=run.estimate"),
    _frame(r"(?:at|with) {a} of actual work for {b}…estimated,?…{r} runs", "r=run.runs a=run.actual b=run.estimate"),
    _frame(r"(?:took|needed|cost) {the}{a} (?:in|over|across) {r} runs,? {the}{p} (?:above|over|below|under)", "r=run.runs a=run.actual p=run.percent"),
    _frame(r"{p} (?:above|over|below|under|beyond|off)…(?:in|over|across|after|of) {the}{r} (?:recorded )?runs", "r=run.runs p=run.percent"),
    _frame(r"(?:in|over|across|after) {the}{r} (?:recorded )?runs…{p} (?:above|over|below|under|beyond|off)", "r=run.runs p=run.percent"),
    _frame(r"(?:in )?all (?:of )?{the}{r} (?:recorded |audit )?runs,? (?:and )?by {p}", "r=run.runs p=run.percent"),
    _frame(r"{a} (?:out )?of {the}{b} (?:\w+ ){0,2}?runs…(?:beyond|past|over|exceed|threshold|passed|limit)", "a=run.beyond b=run.runs"),
    _frame(r"(?:beyond|past|over|exceed\w*|passed)…(?:threshold|limit) in {a} of {the}{b}(?: runs)?", "a=run.beyond b=run.runs"),
    _frame(r"in {a} of {the}{b} runs…(?:beyond|past|over|exceed\w*|threshold|limit)", "a=run.beyond b=run.runs"),
    _frame(r"block\w*…(?:in )?{a} (?:of (?:its|the) )?(?:runs|times)", "a=trouble.runs"),
    _frame(r"{a} runs of {the}…mention", "a=trouble.runs", loose=True),
    _frame(r"{a}(?: times)? (?:the|your|what|that|as)…(?:first|say|guess|at first|initially)", "a=run.suggestion", "a=run.factor"),
    _frame(r"(?:suggest\w*|recommend\w*|estimat\w* it at|estimating)…{a}(?: times)?", "a=run.suggestion", "a=run.factor"),
    _frame(r"typical(?:ly)? (?:factor…|at |about )(?:of |is |at )?{the}{a}", "a=run.factor"),
    _frame(r"\bfactor (?:is )?(?:typically )?(?:of |is |at )?{the}{a}", "a=run.factor"),
)  # fmt: skip
FRAMES = (*_PARTS, *_TREND, *_SPRINT, *_TASKS, *_AHEAD, *_RECORDS, *_PATTERNS)
