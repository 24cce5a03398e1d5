"""From the bytes of a file to its text: which encoding it was written in, and what of it is damaged.

decode(raw)                     # recognises the encoding
decode(raw, "koi8-r")           # reads it as that one
"""

import codecs
import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import charset_normalizer
import numpy as np

from minigpt_core.errors import N_, TextError
from minigpt_core.texts.corpus import check_size

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": N_("UTF-16 (big-endian)"),
    "utf-32-le": "UTF-32",
    "utf-32-be": N_("UTF-32 (big-endian)"),
    "cp1252": N_("Windows-1252 (Western Europe)"),
    "iso8859-15": N_("ISO 8859-15 (Western Europe)"),
    "mac-roman": N_("Mac Roman (old Macintosh)"),
    "cp850": N_("Code page 850 (MS-DOS)"),
    "cp1250": N_("Windows-1250 (Central Europe)"),
    "iso8859-2": N_("ISO 8859-2 (Central Europe)"),
    "cp852": N_("Code page 852 (Central Europe, MS-DOS)"),
    "mac-latin2": N_("Mac Central European (old Macintosh)"),
    "cp1251": N_("Windows-1251 (Cyrillic)"),
    "koi8-r": N_("KOI8-R (Russian)"),
    "koi8-u": N_("KOI8-U (Ukrainian)"),
    "iso8859-5": N_("ISO 8859-5 (Cyrillic)"),
    "cp866": N_("Code page 866 (Cyrillic, MS-DOS)"),
    "mac-cyrillic": N_("Mac Cyrillic (old Macintosh)"),
    "cp1253": N_("Windows-1253 (Greek)"),
    "iso8859-7": N_("ISO 8859-7 (Greek)"),
    "cp1254": N_("Windows-1254 (Turkish)"),
    "cp1255": N_("Windows-1255 (Hebrew)"),
    "iso8859-8": N_("ISO 8859-8 (Hebrew)"),
    "cp1256": N_("Windows-1256 (Arabic)"),
    "iso8859-6": N_("ISO 8859-6 (Arabic)"),
    "cp1257": N_("Windows-1257 (Baltic)"),
    "iso8859-13": N_("ISO 8859-13 (Baltic)"),
    "cp1258": N_("Windows-1258 (Vietnamese)"),
    "cp874": N_("Windows-874, TIS-620 (Thai)"),
    "cp932": N_("Shift JIS (Japanese)"),
    "euc-jp": N_("EUC-JP (Japanese)"),
    "iso2022-jp": N_("ISO-2022-JP (Japanese mail)"),
    "cp949": N_("EUC-KR, Windows-949 (Korean)"),
    "gb18030": N_("GB 18030, GBK (Chinese, simplified)"),
    "cp950": N_("Big5 (Chinese, traditional)"),
}
"""The encodings that texts are found in, by Python's names, and what people call them: English, to be translated."""

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

WIDE = ("utf-16", "utf-32")

LATIN = (
    "cp1252", "iso8859-15", "cp1250", "iso8859-2", "cp1254", "cp1257", "iso8859-13", "mac-roman", "cp850", "cp852",
    "mac-latin2", "cp1258",
)  # fmt: skip
"""Encodings of texts in Latin letters, likely ones first. They differ in their accents: see `ALPHABETS`."""

ALPHABETS = (
    "àâäæçéèêëîïôöœùûüÿ",  # French
    "äöüßàé",  # German
    "áéíñóúüçàèòï",  # Spanish, Catalan
    "àèéìíîòóùú",  # Italian
    "àáâãçéêíóôõúü",  # Portuguese
    "åäöæøé",  # Swedish, Danish, Norwegian, Finnish
    "áæéðíóöúýþ",  # Icelandic
    "äéëïíóöüú",  # Dutch
    "áéíóöőúüű",  # Hungarian
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýžäĺľôŕ",  # Czech, Slovak
    "čćđšž",  # Croatian, Slovenian
    "ăâîşţșț",  # Romanian
    "çğıiöşüâîû\u0307",  # Turkish; İ becomes i and a dot
    "āčēģīķļņšūž",  # Latvian
    "ąčęėįšųūž",  # Lithuanian
    "äõöüšž",  # Estonian
    "ăâđêôơưáàãéèíóòõúùý\u0300\u0301\u0303\u0309\u0323",  # Vietnamese, with its tones as signs of their own
)
"""The letters beyond a to z of languages that are written in Latin letters."""

WESTERN = ALPHABETS[:8]
"""Those of languages that the encodings in `OF_THE_WEST` are for: ž is a letter, but an é of Mac Roman more often."""

OF_THE_WEST = ("cp1252", "iso8859-15", "mac-roman", "cp850")

SIGNS = frozenset("«»“”„‘’‚‹›–—…·•§°€£©®™¡¿²³½¼¾ªº×\u00a0\u00ad")
WITHIN = frozenset("‘’–—…·\u00ad\u00a0")  # the signs that may stand between two letters

SCRIPTS = (
    (
        ("cp1251", "koi8-r", "koi8-u", "iso8859-5", "cp866", "mac-cyrillic"),
        "оеаинтсрвлкм",
        "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўђћљњџјѕ",
    ),
    (("cp1253", "iso8859-7"), "αοιετσνηςυρ", "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ"),
    (("cp1255", "iso8859-8"), "יוהלאמתרשנב", "אבגדהוזחטיכלמנסעפצקרשתךםןףץ"),
    (("cp1256", "iso8859-6"), "اليمونترةبع", "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءأإآؤئ،؛؟ـ"),
    (("cp874",), "านรอกเงมยล่้", "".join(map(chr, range(0x0E01, 0x0E5C)))),
)
"""Other scripts of single letters: their encodings, the most frequent letters, and all of them."""

KNOWN_LETTERS = frozenset("".join(ALPHABETS) + "".join(letters for _names, _frequent, letters in SCRIPTS))

_PUNCTUATION = "、。，！？：；「」“”（）…ー"
_KANA = "".join(map(chr, range(0x3041, 0x30FF)))
_HANGUL = "이다는을에가은의고하를지한로기그도사들자니서리어나았었습요해라만인있것시으수대정일아보게과와"
_CHINESE = (
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得下着著"
)
EAST_ASIAN = {
    "cp932": frozenset(_PUNCTUATION + _KANA + _CHINESE),
    "euc-jp": frozenset(_PUNCTUATION + _KANA + _CHINESE),
    "cp949": frozenset(_PUNCTUATION + _HANGUL),
    "gb18030": frozenset(_PUNCTUATION + _CHINESE),
    "cp950": frozenset(_PUNCTUATION + _CHINESE),
}
"""Encodings of two bytes a character, and the characters that are frequent in texts written in them."""

BROADER = {
    "ascii": "utf-8", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "shift_jis": "cp932", "euc_kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950",
    "utf-16": "utf-16-le", "utf-32": "utf-32-le",
}  # fmt: skip
"""What is meant when a file declares one of these: https://encoding.spec.whatwg.org/#names-and-labels"""

DOCUMENTS = (b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

DECLARED = re.compile(
    rb"""<\?xml[^>]*\bencoding=["']([\w.:-]+)|<meta[^>]*\bcharset=["']?([\w.:-]+)""", re.IGNORECASE
)
CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
"""Characters that a text hardly ever holds; tab, newline, form feed and escape (of colours) are not among them."""

LOOKED_AT = 100_000  # characters from the start of a file that must look like text
SAMPLE = 50_000  # bytes that tell an encoding
LIKELY = 6  # encodings offered before all others
MOST_DAMAGED = 10_000  # places; a file with more was written in another encoding
SURE = 0.9  # of the accents: the rest may be names
AROUND = 20  # characters shown before and after a damaged place
STRETCH = 16  # bytes that tell in which places the high bytes of UTF-16 stand
HIGH_BYTES = (
    0.3,
    0.6,
)  # such a share of UTF-16 is its commonest high byte, where one can tell; of UTF-32 it is more
MOST_MISSING = 100  # bytes
FEW = 10  # high bytes that are too few to say anything about a script


@dataclass(frozen=True)
class Decoded:
    """A file as text, and how its bytes were read."""

    text: str
    """As it stands in the file; `corpus.normalize` comes next. U+FFFD stands for what is damaged."""

    encoding: str
    """Python's name of the encoding that was used."""

    candidates: tuple[str, ...]
    """Encodings that read the same bytes without an error, each as another text; the one used comes first."""

    replaced: int = 0
    """How many bytes belong to no character of this encoding."""

    places: tuple[int, ...] = ()
    """Where in the text a U+FFFD stands for them."""

    zeros: int = 0
    """How many zero bytes were taken out."""


def encoding_called(name: str) -> str:
    """Python's name of an encoding that a person asks for. Raises `TextError` if there is none."""
    try:
        found = codecs.lookup(name)
        b" ".decode(found.name, "ignore")  # raises for what turns bytes into bytes, such as hex
    except (LookupError, ValueError):
        raise TextError(
            "There is no encoding called {name}. Some that there are: {known}.",
            name=name,
            known=", ".join(ENCODINGS),
        ) from None
    plain = found.name.replace("_", "-")
    return next(
        (known for known in ENCODINGS if codecs.lookup(known) == found), BROADER.get(found.name, plain)
    )


def decode(raw: bytes, encoding: str | None = None) -> Decoded:
    """Read the bytes of a file as text.

    Args:
        raw: the file, less than `MAX_BYTES`.
        encoding: read it as this; None recognises the encoding. In this order: a byte-order mark, UTF-16 and
            UTF-32 without one, strict UTF-8, UTF-8 that is damaged in a few places, what an XML or HTML file declares,
            the accents of a language in Latin letters, the letters of other scripts, and charset-normalizer.

    Raises:
        TextError: too large, not a text, or not readable in that encoding.
    """
    check_size(len(raw))
    if raw.startswith(DOCUMENTS):
        raise _not_a_text(raw)
    zeros, wide = 0, b"\0" in raw and (encoding is None or encoding.startswith(WIDE))
    if encoding is None and wide:
        encoding = _marked(raw) or _recognise_wide(raw)
    if b"\0" in raw and not (encoding or "").startswith(WIDE):
        zeros = raw.count(0)
        if 20 * zeros > len(raw):
            raise _not_a_text()
        raw = raw.replace(b"\0", b"")
    encoding = encoding or _recognise(raw)
    read = _lenient(raw, encoding)
    if read is None or 10 * len(read.places) > len(read.text):
        raise TextError(
            "This file cannot be read as {encoding}. Choose another encoding, or save the file as plain text "
            "in UTF-8 and try again.",
            encoding=encoding,
        )
    if _looks_binary(read.text):
        raise _not_a_text()
    return Decoded(read.text, encoding, _candidates(raw, encoding), read.replaced, read.places, zeros)


def remarks(decoded: Decoded) -> list[TextError]:
    """What a person should know of a file that was read, as sentences (they are returned, not raised)."""
    said = []
    if decoded.places:
        first = decoded.places[0]
        around = " ".join(decoded.text[max(first - AROUND, 0) : first + AROUND].split())
        said.append(
            TextError(
                "A part of the file (bytes: {bytes}, places: {places}) cannot be read this way: it is damaged, or in "
                "another encoding. A \ufffd stands for it, the first one at character {first}: “…{around}…”.",
                bytes=decoded.replaced, places=len(decoded.places), first=first + 1, around=around,
            )
        )  # fmt: skip
    if decoded.zeros:
        said.append(
            TextError("Bytes of value zero, which no text has, were taken out: {n}.", n=decoded.zeros)
        )
    return said


@dataclass(frozen=True)
class _Read:
    """Bytes as text, with U+FFFD where they are damaged."""

    text: str
    places: tuple[int, ...]
    replaced: int


class _Damage(threading.local):
    """What the decoder of this thread has met so far."""

    spans: list[tuple[int, int]]


_damage = _Damage()
_PLACE = "\udc80"  # half a character: no decoder gives one


def _note_damage(error: UnicodeError) -> tuple[str, int]:
    """For Python's decoders: a mark instead of an error. An emoji in CESU-8, three bytes for each of its halves, is put
    together."""
    assert isinstance(error, UnicodeDecodeError)
    pair = error.object[error.start : error.start + 6]
    if error.encoding == "utf-8" and re.fullmatch(rb"\xed[\xa0-\xaf].\xed[\xb0-\xbf].", pair, re.DOTALL):
        halves = pair.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
        return halves.decode("utf-16-le"), error.start + 6
    if len(_damage.spans) >= MOST_DAMAGED:
        raise error
    _damage.spans.append((error.start, error.end))
    return _PLACE, error.end


codecs.register_error("minigpt.note_damage", _note_damage)


def _lenient(raw: bytes, encoding: str) -> _Read | None:
    """The text without its byte-order mark; None if there is no such encoding, or hardly anything can be read in it.

    UTF-16 that has lost a byte on the way is in step again behind that place.
    """
    missing = _out_of_step(raw, encoding) if encoding.startswith("utf-16") else []
    if not missing:
        return _lenient_part(raw, encoding)
    begins, ends = [0, *(place + 1 for place in missing)], [*missing, len(raw)]
    text, places, replaced = "", list[int](), len(missing)
    for begin, end in zip(begins, ends, strict=True):
        part = _lenient_part(raw[begin:end], encoding)
        if part is None:
            return None
        if begin:
            places.append(len(text))
            text += "\ufffd"
        places += [len(text) + place for place in part.places]
        text, replaced = text + part.text, replaced + part.replaced
    return _Read(text, tuple(places), replaced)


def _out_of_step(raw: bytes, encoding: str) -> list[int]:
    """Where in UTF-16 one byte of a character stands alone, since the other one is missing; 0: the first one is.

    The high byte is the same for most characters of a text: 0 for Latin letters, 4 for Cyrillic ones. Where it changes
    from every second place to the places between, a byte is missing.
    """
    data = np.frombuffer(raw, np.uint8)
    found = np.bincount(data, minlength=256)
    if not HIGH_BYTES[0] * len(data) <= found.max() <= HIGH_BYTES[1] * len(data):
        return []
    sides = np.where(data == found.argmax(), np.where(np.arange(len(data)) % 2, 1, -1), 0)
    sums = np.concatenate([[0], sides.cumsum()])  # it rises where the high byte stands in odd places
    edges = np.append(np.arange(0, len(data), STRETCH), len(data))
    trend = np.sign(np.diff(sums[edges]))
    missing = [0] if len(trend) and trend[0] == (1 if encoding == "utf-16-be" else -1) else []
    clear = np.flatnonzero(trend).tolist()  # where a byte is missing, both sides may be equally strong
    for before, after in pairwise(clear):
        if trend[before] * trend[after] > 0:
            continue
        low = int(edges[before])
        near = sums[low : int(edges[after + 1]) + 1] * int(trend[before])
        turn = low + int(near.argmax())
        if place := turn - (turn + len(missing)) % 2:
            missing.append(place)
    return missing if len(missing) <= MOST_MISSING else []


def _lenient_part(raw: bytes, encoding: str) -> _Read | None:
    _damage.spans = []
    try:
        text = raw.decode(encoding, "minigpt.note_damage").removeprefix("\ufeff")
    except (LookupError, ValueError):
        return None
    if not _damage.spans:
        return _Read(text, (), 0)
    places = tuple(found.start() for found in re.finditer(_PLACE, text))
    return _Read(text.replace(_PLACE, "\ufffd"), places, sum(end - start for start, end in _damage.spans))


def _strict(raw: bytes, encoding: str) -> str | None:
    """The text, or None if the bytes are no text in this encoding. Half a character at the end does not count."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(raw)
    except (LookupError, ValueError):
        return None


def _marked(raw: bytes) -> str | None:
    """The encoding that a byte-order mark names."""
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS if raw.startswith(mark)), None)


def _recognise(raw: bytes) -> str:
    """The encoding of `raw`, which has no zeros. Raises `TextError` if there is none in which it is a text."""
    if marked := _marked(raw):
        return marked
    if raw.isascii():
        return "iso2022-jp" if b"\x1b$" in raw and _strict(raw, "iso2022-jp") else "utf-8"
    if _is_utf8(raw):
        return "utf-8"
    declared = _declared(raw)
    if declared and _strict(raw, declared) is not None:
        return declared
    sample = _sample(raw)
    return _by_accents(sample) or _by_script(sample) or _western(raw)


def _is_utf8(raw: bytes) -> bool:
    """Whether it is UTF-8, in some places damaged perhaps.

    Other encodings hardly ever give a character of several bytes by accident, so one damaged place for four of them
    is still UTF-8; and if only the last character is cut, a single whole one tells.
    """
    read = _lenient(raw, "utf-8")
    if read is None or not read.places:
        return read is not None
    whole = len(read.text) - len(read.text.encode("ascii", "ignore")) - len(read.places)
    cut = read.places == (len(read.text) - 1,) and read.replaced < 4
    if whole >= (1 if cut else 4 * len(read.places)):
        return True
    intact = read.text.replace("\ufffd", "")
    return whole >= 2 * len(read.places) and _accents_explained(intact, "utf-8") > SURE


def _recognise_wide(raw: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte-order mark.

    Neighbouring letters come from one part of Unicode: of the two bytes of a character, the high one has fewer values.
    """
    start = raw[: 4 * LOOKED_AT]
    letters = start.translate(None, bytes(range(32)) + bytes(range(127, 256)))
    european = start.count(0) > 0.4 * len(start)
    if not european and len(letters) > 0.8 * len(start):  # read two at a time, they would be Chinese
        return None
    narrow = (
        ("utf-16-le", "utf-16-be") if len({*start[1::2]}) < len({*start[::2]}) else ("utf-16-be", "utf-16-le")
    )
    for encoding in ("utf-32-le", "utf-32-be", *narrow):
        if encoding == narrow[0] and any(_out_of_step(start, name) for name in narrow):
            return _in_step(start)
        text = _strict(start, encoding)
        if _is_language(text) and (european or {*(text or "")} & {*" \n、。，"}):
            return encoding
    return None


def _in_step(start: bytes) -> str | None:
    """Which UTF-16 it is if bytes are missing: read the other way round, it has stranger signs or more damage."""
    found = []
    for encoding in ("utf-16-le", "utf-16-be"):
        read = _lenient(start, encoding)
        if read and _is_language(read.text):
            damage = len(read.places) + (0 in read.places)
            if damage <= 1 + len(read.text) // 20:  # else it is no text: any bytes can be read as something
                found.append((_strange_signs(read.text) + damage, encoding))
    return min(found)[1] if found else None


def _is_language(text: str | None) -> bool:
    """Whether these are characters that a text may hold, letters for the most part."""
    kinds = Counter(unicodedata.category(c)[0] for c in (text or "")[:LOOKED_AT] if c not in "\t\n\r\f")
    return 50 * kinds["C"] <= kinds.total() and kinds["L"] + kinds["M"] > kinds.total() / 3


def _strange_signs(text: str) -> int:
    """How many characters beyond Latin-1 are neither letters that we know nor signs, or are controls."""
    far = Counter(c for c in text if (c > "\xff" or CONTROLS.match(c)) and c != "\ufffd")
    known = sum(
        n for c, n in far.items() if c.lower() in KNOWN_LETTERS or "\u2000" < c < "\u2300" or c in SIGNS
    )
    return far.total() - known


def _declared(raw: bytes) -> str | None:
    """What an XML or HTML file says about itself."""
    found = DECLARED.search(raw[:1024])
    try:
        return encoding_called((found[1] or found[2]).decode("ascii")) if found else None
    except TextError:
        return None


def _sample(raw: bytes) -> bytes:
    """From the first line with a byte beyond ASCII on."""
    found = re.search(rb"[\x80-\xff]", raw)
    first = found.start() if found else 0
    line = raw.rfind(b"\n", 0, first) + 1
    start = line if first - line < 1000 else first
    return raw[start : start + SAMPLE]


def _by_accents(sample: bytes) -> str | None:
    """The encoding in which the accents are those of one language, for texts in Latin letters."""
    high = sum(byte > 0x7F for byte in sample)
    if high >= FEW and high > sum(map(sample.lower().count, map(bytes, zip(range(97, 123), strict=True)))):
        return None
    best = _ranked(sample, LATIN)[:1]
    return best[0] if best and _accents_explained(_strict(sample, best[0]) or "", best[0]) > SURE else None


def _ranked(sample: bytes, encodings: Iterable[str]) -> list[str]:
    """Those that can read it, the one that explains most accents first."""
    explained = {
        encoding: _accents_explained(text, encoding)
        for encoding in encodings
        if (text := _strict(sample, encoding)) is not None and not _looks_binary(text)
    }
    return sorted(explained, key=lambda encoding: -explained[encoding] if explained[encoding] > SURE else 0)


def _accents_explained(text: str, encoding: str) -> float:
    """Which share of the characters beyond ASCII are letters of one language in Latin letters, or signs in their
    place: of a language that is written in this encoding."""
    foreign = Counter(c for c in text if c > "\x7f")
    inside = Counter(re.findall(r"(?<=[^\W\d_])[^\x00-\x7f](?=[^\W\d_])", text))
    signs = sum(n - (0 if c in WITHIN else inside[c]) for c, n in foreign.items() if c in SIGNS)
    letters = max(
        sum(n for c, n in foreign.items() if {*c.lower()} <= {*letters, "i"})
        for letters in (WESTERN if encoding in OF_THE_WEST else ALPHABETS)
    )
    return (signs + letters) / max(foreign.total(), 1)


def _by_script(sample: bytes) -> str | None:
    """The encoding in which the frequent characters of a script are frequent; else what charset-normalizer finds."""
    asian = max((_usual_characters(sample, name), name) for name in EAST_ASIAN)
    if asian[0] > 0.3:
        return asian[1]
    single = max(
        (_usual_letters(sample, name, frequent, letters), -place, name)
        for encodings, frequent, letters in SCRIPTS
        for place, name in enumerate(encodings)  # of equals the first
    )
    if single[0] > 0.5:
        return single[2]
    names = sorted({codecs.lookup(name).name for name in ENCODINGS if not name.startswith("utf")})
    best = charset_normalizer.from_bytes(sample, cp_isolation=names).best()
    return encoding_called(best.encoding) if best else None


def _usual_characters(sample: bytes, encoding: str) -> float:
    """Which share of the characters beyond ASCII are frequent in texts in an encoding of East Asia."""
    read = _lenient(sample, encoding)
    if read is None or 20 * len(read.places) > len(read.text):
        return 0.0
    foreign = [c for c in read.text if c > "\x7f"]
    return (sum(c in EAST_ASIAN[encoding] for c in foreign) - 3 * len(read.places)) / max(len(foreign), 1)


def _usual_letters(sample: bytes, encoding: str, frequent: str, letters: str) -> float:
    """How much of it are letters of a script, frequent ones above all, with no capital after a small one: at most 1."""
    text = _strict(sample, encoding)
    if text is None or _looks_binary(text):
        return -1.0
    foreign = Counter(c.lower() for c in text if c > "\x7f")
    worth = {
        c: 1.0 if c in frequent else 0.3 if c in letters else 0.0 if c in SIGNS else -1.0 for c in foreign
    }
    swapped = sum(a.islower() and b.isupper() for a, b in pairwise(text))
    return (sum(worth[c] * n for c, n in foreign.items()) - swapped) / max(foreign.total(), 1)


def _western(raw: bytes) -> str:
    """Windows-1252, which reads nearly everything. Raises `TextError` if it doesn't."""
    text = _strict(raw, "cp1252")
    if text is None or _looks_binary(text):
        raise _not_a_text()
    return "cp1252"


def _candidates(raw: bytes, encoding: str) -> tuple[str, ...]:
    """`encoding`, and the likeliest that read the bytes otherwise: those of one language, then those of its script."""
    sample = _sample(raw)
    if sample.isascii() or encoding.startswith(WIDE):
        return (encoding,)
    names = list(ENCODINGS)
    here = names.index(encoding) if encoding in names else names.index("cp1252")
    near = sorted(names, key=lambda name: abs(names.index(name) - here))  # neighbours are of one script
    seen = {_strict(sample, encoding)}
    likely = [encoding]
    for name in _ranked(sample, (name for name in near if name != encoding and not name.startswith(WIDE))):
        text = _strict(sample, name)
        if text not in seen and len(likely) < LIKELY:
            seen.add(text)
            likely.append(name)
    return tuple(likely)


def _looks_binary(text: str) -> bool:
    """Whether a zero, or more than one control character in twenty, says that this is no text."""
    start = text[:LOOKED_AT]
    return "\0" in text or 20 * len(CONTROLS.findall(start)) > len(start)


def _not_a_text(raw: bytes = b"") -> TextError:
    if raw.startswith(b"%PDF"):
        return TextError(
            "This is a PDF document, not plain text. Open it, select its text, copy it and paste it, or save it as "
            "plain text, and use that."
        )
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return TextError(
            "This is a Word, OpenDocument or EPUB document, or an archive, not plain text. Open it, save it as plain "
            "text in UTF-8, and use that."
        )
    return TextError(
        "This file is not plain text (a picture or a Word document is not). Save it as plain text in UTF-8 "
        "and try again."
    )
