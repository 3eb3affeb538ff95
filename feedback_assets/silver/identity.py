"""Numbers that lead to one person or one contract, found in text.

Belongs here: payment cards, IBANs, national ids, order and account numbers, phone numbers:
where they stand and what their normal form is. Check digits come from python-stdnum, phone
numbers from phonenumbers. Does not belong here: addresses of the network (`pii`), and what
replaces a number (`pii`).

Every pattern is anchored on its left and bounded, so that the time is linear in the text.
Text is expected folded (`pii.fold`): ASCII digits, one kind of dash and blank.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult
from stdnum import iban, luhn, numdb
from stdnum.br import cpf
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.se import personnummer
from stdnum.us import ssn

TAKEN = "\0"
"""Stands, sign for sign, where something is masked already; it belongs to no pattern."""

WORD = r"0-9A-Za-z_\u00c0-\u024f\0"
LEFT, RIGHT = rf"(?<![{WORD}])", rf"(?![{WORD}])"


class Span(NamedTuple):
    """One find: `text[start:end]` is of `kind`; `value` is its normal form."""

    kind: str
    start: int
    end: int
    value: str


_NOT_ALNUM = re.compile(r"[^0-9A-Z]")
_NOT_DIGIT = re.compile(r"\D")
_DATE = re.compile(
    r"(?:\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2(?:19|20)?\d\d)(?!\d|[-./]\d)"
)
_MONEY_BEFORE = re.compile(r"(?:[$€£¥₹₫฿]|\b(?:USD|EUR|GBP|Rs\.?|ETB|VND))[ ]?\Z")
_MONEY_AFTER = re.compile(
    r"[ ]?(?:[$€£¥₹₫฿%đ]|(?:birr|etb|usd|eur|euros?|gbp|vnd|dollars?|pounds?|baht|z[lł]|kr|sek|"
    r"reais|rupees|yen|points?|punkte|tr|k)\b|บาท|ብር|円|万)",
    re.IGNORECASE,
)


_GLUED = re.compile(f"[{WORD}]")
_WORD_WITHIN = 40


def _before(text: str, place: int) -> str:
    """The words just before a number, as far as nothing there is masked."""
    return text[max(0, place - _WORD_WITHIN) : place].rpartition(TAKEN)[2]


def compact(value: str) -> str:
    """Upper-case letters and digits only: the normal form of every written-out id."""
    return _NOT_ALNUM.sub("", value.upper())


def find_numbers(text: str) -> Iterator[Span]:
    """All finds of this module in folded text; they may overlap."""
    yield from _cards(text)
    yield from _ibans(text)
    yield from _national_ids(text)
    yield from _references(text)
    yield from _phones(text)


# Payment cards: the digits of ISO/IEC 7812, by issuer prefix and length, then Luhn.
_CARD_RUN = re.compile(rf"{LEFT}\d(?:[ -]?\d){{11,}}")
_GROUP = re.compile(r"\d+")
_CARD_WORD = re.compile(
    r"(?i:\b(?:cards?|cart(?:e|es|a|ão)|\w{0,8}karten?|karte|tarjeta|\w{0,7}kort|kaart|kart[aąęy])\b)|カード"
)
_ISSUER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|65\d\d|64[4-9]\d|62\d\d)\d{12,15}"  # Discover, UnionPay
    r"|(?:30[0-5]\d|3095|36\d\d|3[89]\d\d)\d{10,15}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12,15}|(?:1800|2131)\d{11}"  # JCB
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
)


def _cards(text: str) -> Iterator[Span]:
    for run in _CARD_RUN.finditer(text):
        groups = [match.span() for match in _GROUP.finditer(text, *run.span())]
        if _GLUED.match(text, groups[-1][1]):
            groups.pop()
        asked = bool(_CARD_WORD.search(_before(text, run.start())))
        first = 0
        while first < len(groups):
            last = _card_end(text, groups, first, asked)
            if last > first:
                start, end = groups[first][0], groups[last - 1][1]
                yield Span("CARD", start, end, _NOT_DIGIT.sub("", text[start:end]))
            first = max(last, first + 1)


def _card_end(text: str, groups: list[tuple[int, int]], first: int, asked: bool) -> int:
    """The index after the last group of the longest card that starts at `first`, or `first`."""
    sizes = [end - start for start, end in groups[first : first + 19]]
    for count, digits in reversed(list(enumerate(accumulate(sizes), 1))):
        whole_run = first == 0 and count == len(groups)
        fours = sizes[0] == 4 and (set(sizes[1 : count - 1]) <= {4} or sizes[1:2] == [6])
        if 12 <= digits <= 19 and (count == 1 or whole_run or fours):
            number = _NOT_DIGIT.sub("", text[groups[first][0] : groups[first + count - 1][1]])
            if (asked or _ISSUER.fullmatch(number)) and luhn.is_valid(number):
                return first + count
    return first


# IBAN: ISO 13616; the country says the length, so at most one reading is checked.
_IBAN_START = re.compile(rf"{LEFT}(?=([A-Za-z]{{2}})\d\d[ -]?[0-9A-Za-z])")


@cache
def _iban_form(country: str) -> re.Pattern[str] | None:
    """An IBAN of this country as people write it, None for no such country."""
    structure = str(numdb.get("iban").info(country)[0][1].get("bban", ""))
    length = 4 + sum(int(size) for size in re.findall(r"(\d+)!", structure))
    return re.compile(rf"(?:[ -]?[0-9A-Za-z]){{{length}}}{RIGHT}") if length > 4 else None


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN_START.finditer(text):
        form = _iban_form(match[1].upper())
        found = form.match(text, match.start()) if form else None
        if found and iban.is_valid(compact(found[0])):
            yield Span("IBAN", match.start(), found.end(), compact(found[0]))


# National ids. A form with its own letters or separators stands by its checksum; bare digits
# need a word before them, and with that word a mistyped number is masked as well.
_FORMS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "us": (r"\d{3}-\d{2}-\d{4}", ssn.is_valid),
    "gb": (
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]",
        lambda _: True,
    ),
    "br": (r"\d{3}\.\d{3}\.\d{3}-\d\d", cpf.is_valid),
    "es": (r"\d{8}-?[A-HJ-NP-TV-Z]", dni.is_valid),
    "es_foreign": (r"[XYZ]-?\d{7}-?[A-Z]", nie.is_valid),
    "it": (
        r"(?i:[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPR-T][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z])",
        codicefiscale.is_valid,
    ),
    "fr": (r"[12] \d\d \d\d \d[\dAB] \d{3} \d{3}(?: | ?/ ?)\d\d", nir.is_valid),
    "se": (r"(?:\d\d)?\d{6}[-+]\d{4}", personnummer.is_valid),
}
_FORM = re.compile(
    LEFT
    + r"(?=[A-Za-z]{0,6}[ -]?\d)(?:"
    + "|".join(f"(?P<{name}>{form})" for name, (form, _) in _FORMS.items())
    + ")"
    + RIGHT
)
_BARE_ID = re.compile(rf"{LEFT}\d(?:[ ./-]?\d){{7,14}}{RIGHT}")
_ID_WORD = re.compile(
    rf"{LEFT}(?i:ssn|social security|national insurance|ni (?:number|no)|nino|national id|"
    r"steuer-?id(?:entifikationsnummer)?|steueridentnummer|idnr|s[ée]curit[ée] sociale|nir|dni|nie|"
    r"nif|codice fiscale|cpf|bsn|burgerservicenummer|sofinummer|pesel|personnummer|マイナンバー)"
    r"(?![A-Za-z])[^\d\n\0]{0,24}\Z"
)


def _national_ids(text: str) -> Iterator[Span]:
    for match in _FORM.finditer(text):
        is_valid = _FORMS[match.lastgroup or ""][1]
        if is_valid(match[0].replace("/", "")):
            yield Span("NATIONAL_ID", *match.span(), compact(match[0]))
    for match in _BARE_ID.finditer(text):
        word = _ID_WORD.search(text, max(0, match.start() - _WORD_WITHIN), match.start())
        if word and not _DATE.match(match[0]):
            yield Span("NATIONAL_ID", *match.span(), compact(match[0]))


# Orders, accounts, customers, invoices: a word and an id, or an id with a telling prefix.
_REFERENCE = re.compile(
    rf"{LEFT}(?=[A-Za-z]{{0,8}}[-_/]?\d)"
    rf"(?:\d{{2,}}(?:[ -]\d{{2,}}){{1,6}}|[0-9A-Za-z](?:[-_/]?[0-9A-Za-z]){{3,29}}){RIGHT}"
)
_REFERENCE_WORD = re.compile(
    rf"{LEFT}(?:(?i:orders?|purchase|account|acct|a/c|customer|client|invoice|bill|booking|"
    r"reservation|contract|policy|member(?:ship)?|tracking|parcel|shipment|transaction|txn|"
    r"ref(?:erence)?|bestellung|auftrag|kunde|rechnung|konto|vertrag|sendung|commande|compte|"
    r"facture|contrat|suivi|pedido|cuenta|cliente|factura|contrato|seguimiento|encomenda|conta|"
    r"fatura|rastreio|ordine|conto|fattura|contratto|spedizione|bestelling|klant|factuur|rekening|"
    r"zam[óo]wieni[ea]|konta|klienta?|faktur[ay]|przesy[łl]ki|best[äa]llning|kund)"
    r"|(?P<told>(?i:(?:bestell|auftrags?|kunden?|rechnungs?|konto|vertrags?|sendungs|order|klant|"
    r"factuur|rekening|bestel|kund|faktura|best[äa]llnings)-? ?(?:nummer|nr|id))"
    r"|(?:注文|お客様|顧客|会員|口座|請求書|受注)(?:番号|ID|No)))"
    r"(?P<link>(?:[ -]?(?i:numbers?|nummer|num|n[úu]mero|numer|no|nr|n[º°]|id|code))?\.?"
    r"[ ]{0,2}[:=#]?[ ]{0,2}(?:(?i:is|was|ist|est|es|é|è|jest|är|は)(?=[ #]))?[ ]{0,2}[:#]?[ ]?)\Z"
)
_FEWEST_TOLD, _FEWEST_UNTOLD = 4, 5
"""Digits an id has where a sign or word says "number", and where none does."""
_REFERENCE_FORM = re.compile(
    rf"{LEFT}(?=[A-Za-z])(?:(?i:ord(?:er)?|inv(?:oice)?|cust|acct?|rma|txn)[-_#]?\d{{4,15}}"
    rf"|(?!ISO|IEC|DIN|RFC|CVE|CWE|KB|BUG|ERR|HTTP|UTF|PR)[A-Z]{{2,5}}-\d{{5,15}}){RIGHT}"
)


def _references(text: str) -> Iterator[Span]:
    for match in _REFERENCE.finditer(text):
        number, (start, end) = match[0], match.span()
        digits = sum(sign.isdigit() for sign in number)
        if digits < _FEWEST_TOLD:
            continue
        word = _REFERENCE_WORD.search(text, max(0, start - _WORD_WITHIN), start)
        if word and not _DATE.match(number) and not _MONEY_AFTER.match(text, end):
            told = bool(word["told"] or word["link"].strip())
            round_sum = number.isdigit() and number.endswith("000")
            if told or (digits >= _FEWEST_UNTOLD and not round_sum):
                yield Span("REFERENCE", start, end, compact(number))
    for match in _REFERENCE_FORM.finditer(text):
        yield Span("REFERENCE", *match.span(), compact(match[0]))


# Phone numbers.
_PHONE_RUN = re.compile(
    r"(?<![0-9A-Za-z_\u00c0-\u024f\0/=&#-])(?<![0-9][.,:])"
    r"(?:\+|\(\+?)?\d(?:[ .()/-]{0,3}\d){6,20}"
)
_PHONE_WORD = re.compile(
    r"(?i:\b(?:(?:tele|smart|cell|mobile )?phones?|tel|telefono?|tel[ée]fono|telefone|telefoon|"
    r"telefonu|telefonnummer|t[ée]l[ée]phone|mobiles?|mobil|mobiel|m[óo]vil|celular|cell|cellulare|"
    r"handy|portable|telem[óo]vel|whatsapp|sms|fax|call(?:ed|ing|s)?|dial(?:ed)?|ring|text me|"
    r"reach me|contact|messages?|number|numbers|nummer|numer|n[úu]mero|rufnummer|anrufen|"
    r"appele[rz]|ll[áa]m\w{1,5}|lig(?:ue|ar)|chiam\w{1,4}|bel|bellen|ring|zadzwo\w{1,4}|kom[óo]rk\w|"
    r"mobilnummer|office|direct)\b)|電話|携帯|โทร|เบอร์|điện thoại|sđt|gọi|ስልክ"
)
_PHONE_LABEL = re.compile(r"[ ]?[-(,]?[ ]?(?i:office|fax|mobile|cell|direct|tel|phone)\b")
_PHONE_START = re.compile(r"\+|\(|(?<!\d)0|(?<!\d)[2-9]\d\d[ .-]\d{3}[ .-]\d{4}(?!\d)|\A")
_NANP = re.compile(r"(?:1[ .-])?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d[ .-])\d{3}[ .-]\d{4}")
_AREA = re.compile(r"\(0?\d{2,4}\)[ ]?\d{3,4}[ -]?\d{3,4}")
_TRUNK_GROUPED = re.compile(r"\(?0\d{1,5}\)?(?:[ .-]|/(?=\d{3})| ?/ )\d{2,8}(?:[ .-]\d{2,8}){0,4}")
_TRUNK_BARE = re.compile(r"0[1-9]\d{8,9}")
_EXTENSION = re.compile(r"[ ]?(?:x|ext\.?|extension)[ ]?\d{1,6}(?!\d)")


def _phones(text: str) -> Iterator[Span]:
    for run in _PHONE_RUN.finditer(text):
        if _MONEY_BEFORE.search(text, max(0, run.start() - 5), run.start()):
            continue
        # A label may stand on the line above, a word of another sentence says nothing.
        line = _before(text, run.start()).rstrip().rpartition("\n")[2]
        asked = bool(_PHONE_WORD.search(line))
        yield from _phone_in(text, run.start(), run.end(), asked)


def _phone_in(text: str, start: int, end: int, asked: bool) -> Iterator[Span]:
    """The first, longest plausible number in a run of digits and separators."""
    asked = asked or bool(_PHONE_LABEL.match(text, end))
    ends = [match.end() for match in _GROUP.finditer(text, start, end)]
    if _GLUED.match(text, end) and not _EXTENSION.match(text, end):
        ends.pop()
    if 3 * len(ends) > 2 * sum(sign.isdigit() for sign in text[start:end]):
        return  # Mostly single digits: a list or a table, and costly to try in every reading.
    for opening in _PHONE_START.finditer(text[start:end]):
        begin = start + opening.start()
        for stop in reversed(ends):
            number = phone_value(text[begin:stop], asked and begin == start)
            if number and not _MONEY_AFTER.match(text, stop):
                extension = _EXTENSION.match(text, stop)
                yield Span("PHONE", begin, extension.end() if extension else stop, number)
                return


def phone_value(written: str, asked: bool = False) -> str | None:
    """The E.164 form of an international number, the digits of a plausible national one.

    Args:
        written: the number as it stands in a text.
        asked: whether something beside it says that it is a phone number.

    Returns:
        None for what is more likely a date, a version, an amount or an id.
    """
    digits = _NOT_DIGIT.sub("", written)
    if not 7 <= len(digits) <= 17 or _DATE.match(written):
        return None
    if "+" in written[:2] or (written.startswith("00") and len(digits) >= 11):
        return _international(written)
    if len(digits) > 13:
        return None
    if _NANP.fullmatch(written) or _AREA.fullmatch(written) or _TRUNK_BARE.fullmatch(written):
        return digits
    if len(digits) >= 9 and _TRUNK_GROUPED.fullmatch(written):
        return digits
    return digits if asked and not re.search(r"\d[./]\d?(?:[./]|\Z)", written) else None


def _international(written: str) -> str | None:
    international = "+" + written.lstrip("(+0") if written[0] == "0" else written.lstrip("(")
    try:
        number = phonenumbers.parse(international, None)
    except phonenumbers.NumberParseException:
        return None
    verdict = phonenumbers.is_possible_number_with_reason(number)
    grouped = len(re.findall(r"\d+", written)) > 1
    possible = verdict == ValidationResult.IS_POSSIBLE
    if possible or (grouped and verdict == ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return None
