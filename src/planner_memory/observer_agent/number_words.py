"""Plain numbers in digits or in words, with the thousands and decimals of several countries."""

import re
from decimal import Decimal

UNITS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
    "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
)  # fmt: skip
_SMALL = "|".join(sorted(UNITS, key=len, reverse=True))
_BELOW_100 = rf"(?:(?:{'|'.join(TENS)})(?:[-\s](?:{'|'.join(list(UNITS)[:9])})\b)?|{_SMALL})"
WORD = (
    rf"(?:half\s+a\s+dozen|(?:a|one|two|three)\s+dozen|dozen|(?:{_SMALL}|a)\s+(?:hundred|thousand)(?:\s+(?:and\s+)?{_BELOW_100})?|{_BELOW_100}|zero)"
)
# 1,234.5 · 1.234,5 · 1'234 · 1 234 (with the spaces that do not break) · 12,5 · 12.5 · 2½
DIGITS = r"(?:\d{1,3}(?:[,.'’\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?![\d])|\d+(?:[.,]\d+)?[½¼¾⅓⅔]?)"
VALUE = rf"(?:(?<![\w.,]){DIGITS}|(?<![\w-]){WORD}(?![\w]))"
_THOUSANDS = re.compile(r"(\d{1,3})((?:[,.'’\u00a0\u202f]\d{3})+)(?:([.,])(\d{1,2}))?")
_FRACTIONS = {"½": Decimal("0.5"), "¼": Decimal("0.25"), "¾": Decimal("0.75"), "⅓": Decimal(1) / 3, "⅔": Decimal(2) / 3}
Value = tuple[Decimal, Decimal]  # the number, and the size of its last digit


def values_of(text: str) -> list[Value]:
    """What a number may mean: "1,234" is 1234, or 1.234 where the comma is the decimal sign; most have one meaning."""
    text = text.lower().strip()
    if not text[0].isdigit():
        return [(Decimal(_in_words(text)), Decimal(1))]
    fraction = _FRACTIONS.get(text[-1])
    if fraction is not None:
        return [(Decimal(text[:-1]) + fraction, Decimal("0.1"))]
    found: list[Value] = []
    if grouped := _THOUSANDS.fullmatch(text):
        whole = grouped[1] + re.sub(r"\D", "", grouped[2])
        decimals = grouped[4] or ""
        found.append((Decimal(f"{whole}.{decimals}") if decimals else Decimal(whole), Decimal(10) ** -len(decimals)))
        separators = re.findall(r"\D", text)
        if len(separators) > 1 or separators[0] not in ",.":
            return found
    if re.fullmatch(r"\d+(?:[.,]\d+)?", text):
        decimals = re.split(r"[.,]", text)[1] if re.search(r"[.,]", text) else ""
        found.append((Decimal(text.replace(",", ".")), Decimal(10) ** -len(decimals)))
    return found or [(Decimal(re.sub(r"\D", "", text)), Decimal(1))]


def value_of(text: str) -> Value:
    return values_of(text)[0]


def _in_words(text: str) -> int:
    words = re.split(r"[-\s]+", text)
    if words[-1] == "dozen":
        return 6 if words[0] == "half" else 12 * UNITS.get(words[0], 1)
    total = current = 0
    for word in words:
        if word in ("hundred", "thousand"):
            total += (current or 1) * (100 if word == "hundred" else 1000)
            current = 0
        else:
            current += UNITS.get(word, 0) or TENS.get(word, 0)
    return total + current
