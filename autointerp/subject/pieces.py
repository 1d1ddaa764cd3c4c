"""Tokens as pieces of text: every character whole in the token in which it begins."""

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Sequence
from typing import Any

MOST_TOKENS_A_CHARACTER = 4
"""UTF-8 has at most four bytes a character, and a token at least one byte."""

BytesOf = Callable[[str], bytes]


def whole_characters(parts: Iterable[bytes]) -> tuple[str, ...]:
    r"""Return one string a part; joined they are the text of all bytes, U+FFFD standing for what is no UTF-8.

    A character split over several parts stands in the first of them, and the others are empty.

    >>> whole_characters([b"a\xc3", b"\xa4b", b"\xff"])
    ('aä', 'b', '�')
    """
    decoder = getincrementaldecoder("utf-8")("replace")
    pieces: list[str] = []
    begun = 0
    for number, part in enumerate(parts):
        is_open = bool(decoder.getstate()[0])
        text = decoder.decode(part)
        n_before = int(is_open and bool(text))
        if n_before:
            pieces[begun] += text[0]
        pieces.append(text[n_before:])
        if text or not is_open:
            begun = number
    if pieces:
        pieces[begun] += decoder.decode(b"", final=True)
    return tuple(pieces)


def _byte_alphabet() -> dict[str, int]:
    """Return the byte behind each character of a byte-level vocabulary (GPT-2).

    Printable bytes of Latin-1 stand for themselves, the others for the characters from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


BYTE_ALPHABET = _byte_alphabet()


def byte_level(token: str) -> bytes:
    """Return the bytes of a token of a byte-level vocabulary; an added one in plain writing is itself."""
    if all(char in BYTE_ALPHABET for char in token):
        return bytes(BYTE_ALPHABET[char] for char in token)
    return token.encode()


def sentencepiece(token: str) -> bytes:
    """Return the bytes of a SentencePiece token: ▁ is a space."""
    return token.replace("▁", " ").encode()


def sentencepiece_with_bytes(token: str) -> bytes:
    """Return the same where characters outside the vocabulary are written as ``<0xE6>``, a token a byte."""
    found = re.fullmatch(r"<0x([0-9A-F]{2})>", token)
    return bytes.fromhex(found[1]) if found else sentencepiece(token)


class Pieces:
    """What the tokens of one tokenizer look like.

    A tokenizer's ``decode`` says it of whole texts only: one by one, SentencePiece tokens lose the space
    before them, and one byte of a character that is cut off spoils a whole run of such bytes.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        decoders = _decoders(tokenizer)
        self._bytes_of = _bytes_of({decoder["type"] for decoder in decoders})
        self._drops_space = any(map(_drops_first_space, decoders))
        self._known: dict[int, bytes] = {}
        self._texts: dict[int, str | None] = {}

    def of(self, ids: Sequence[int], *, start: int = 0) -> tuple[str, ...]:
        """Return one string a token whose concatenation is the text; *start* is the first one's place in its text.

        At 0 the space is left out that SentencePiece puts before a text.
        """
        if self._bytes_of is None:
            return tuple(_by_decoding(self._decode, list(ids)))
        texts = [self._text(int(i)) for i in ids]
        # Most windows hold whole characters only: then nothing has to be put together.
        whole = [text for text in texts if text is not None]
        pieces = tuple(whole) if len(whole) == len(texts) else whole_characters([self._bytes(int(i)) for i in ids])
        if start == 0 and self._drops_space and pieces:
            return (pieces[0].removeprefix(" "), *pieces[1:])
        return pieces

    def _text(self, token: int) -> str | None:
        """Return the token's text; None where it begins or ends within a character."""
        if token not in self._texts:
            try:
                self._texts[token] = self._bytes(token).decode()
            except UnicodeDecodeError:
                self._texts[token] = None
        return self._texts[token]

    def _bytes(self, token: int) -> bytes:
        if token not in self._known:
            assert self._bytes_of is not None
            # A row of the embedding table behind the vocabulary has no token.
            self._known[token] = self._bytes_of(self._tokenizer.convert_ids_to_tokens(token) or "")
        return self._known[token]

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, clean_up_tokenization_spaces=False))


def _decoders(tokenizer: Any) -> list[dict[str, Any]]:
    """Return the steps by which a fast tokenizer makes text of tokens; none where it does not say."""
    decoder = getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None)
    if decoder is None:
        return []
    state = json.loads(decoder.__getstate__())
    return list(state.get("decoders", [state]))


def _bytes_of(types: set[str]) -> BytesOf | None:
    if "ByteLevel" in types:
        return byte_level
    if "ByteFallback" in types:
        return sentencepiece_with_bytes
    return sentencepiece if "Metaspace" in types else None


def _drops_first_space(decoder: dict[str, Any]) -> bool:
    if decoder["type"] == "Metaspace":
        return bool(decoder["prepend_scheme"] != "never")
    return bool(decoder["type"] == "Strip" and decoder["start"] > 0)


def _by_decoding(decode: Callable[[Sequence[int]], str], ids: list[int]) -> Iterable[str]:
    """Yield the pieces by what each token adds to the text of those just before it: for vocabularies of other kinds."""
    before: list[int] = []
    at = 0
    while at < len(ids):
        tries = [ids[at : at + n] for n in range(1, MOST_TOKENS_A_CHARACTER + 1)]
        texts = [_added(decode, before, some) for some in tries]
        n = next((n for n, text in enumerate(texts) if not text.endswith("\ufffd")), 0)
        yield texts[n]
        yield from [""] * (len(tries[n]) - 1)
        before, at = tries[n], at + len(tries[n])


def _added(decode: Callable[[Sequence[int]], str], before: Sequence[int], some: Sequence[int]) -> str:
    whole, known = decode([*before, *some]), decode(before)
    return whole[len(known) :] if whole.startswith(known) else decode(some)
