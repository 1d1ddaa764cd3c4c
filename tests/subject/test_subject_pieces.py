"""Pieces of text: joined they are the text, in any script and with tokenizers of every kind."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from autointerp.subject.model import Subject
from autointerp.subject.pieces import Pieces, whole_characters

TEXTS = ("the river runs to the sea", "נהר זורם אל הים", "نهر يجري إلى البحر", "naïve café", "東京は雨")
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def trained(tokenizer: Any, trainer: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", unk_token="<unk>")


def byte_level() -> Any:
    """As GPT-2, Llama 3, Qwen, SmolLM."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return trained(made, trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>"], initial_alphabet=alphabet))


def with_fallback(*, prefix: bool) -> Any:
    """As Llama 2 and Mistral (a space is put before the text), or Gemma (none is)."""
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    spaces = normalizers.Replace(" ", "▁")
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if prefix else spaces
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prefix else steps)
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=["<unk>", "<s>", *BYTES], limit_alphabet=30)
    return trained(made, trainer)


def metaspace() -> Any:
    """As T5 and its like: no bytes, what is not in the vocabulary is <unk>."""
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return trained(made, trainers.UnigramTrainer(vocab_size=90, special_tokens=["<unk>", "<s>"], unk_token="<unk>"))


def word_pieces() -> Any:
    """As BERT: another kind of vocabulary, whose decoder is asked."""
    made = Tokenizer(models.WordPiece(unk_token="<unk>"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.WhitespaceSplit(), decoders.WordPiece(cleanup=False)
    return trained(made, trainers.WordPieceTrainer(vocab_size=90, special_tokens=["<unk>", "<s>"]))


MAKERS: dict[str, Callable[[], Any]] = {
    "byte_level": byte_level,
    "with_prefix": lambda: with_fallback(prefix=True),
    "without_prefix": lambda: with_fallback(prefix=False),
    "metaspace": metaspace,
    "word_pieces": word_pieces,
}
LOSSLESS = ("byte_level", "with_prefix", "without_prefix")


@cache
def tokenizer(kind: str) -> Any:
    return MAKERS[kind]()


def token_ids(kind: str, text: str) -> list[int]:
    return list(tokenizer(kind)(text, add_special_tokens=False)["input_ids"])


PARTS = (
    *("the", " ", "river", "\n", "\u0007", "\ufffd"),
    *("שלום", "مرحبا بكم", "\u202e", "\u2067", "\u200f", "नमस्ते", "กรุงเทพ", "e\u0301\u0323"),
    *("😀", "👩🏽\u200d🚀", "🏳️\u200d🌈", "🇩🇪🇯🇵", "\U0010ffff"),
)
odd_text = st.one_of(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), st.text(max_size=30)).filter(
    # The sign that stands for a space in SentencePiece vocabularies cannot be told from one.
    lambda text: "▁" not in text and "<" not in text
)


@pytest.mark.parametrize("kind", LOSSLESS)
@given(text=odd_text, cut=st.integers(0, 40))
@example(text="\ufffdx 😀", cut=3)
@example(text="\ufffd" * 9 + "😀", cut=12)
def test_pieces_join_to_the_text(kind: str, text: str, cut: int) -> None:
    """One string a token, joined the text; cut anywhere, the halves lose no character but the one that is cut."""
    ids = token_ids(kind, text)
    pieces = Pieces(tokenizer(kind))
    whole = pieces.of(ids)
    assert len(whole) == len(ids)
    assert "".join(whole) == text
    head, tail = pieces.of(ids[:cut]), pieces.of(ids[cut:], start=cut)
    assert text.startswith("".join(head).rstrip("\ufffd"))
    assert text.endswith("".join(tail).lstrip("\ufffd")) or cut == 0


@pytest.mark.parametrize("kind", LOSSLESS)
@given(text=odd_text)
def test_no_character_is_in_pieces(kind: str, text: str) -> None:
    """A character stands whole in one token, whichever bytes the tokenizer cut it into: no mark stands for a part."""
    pieces = Pieces(tokenizer(kind)).of(token_ids(kind, text))
    assert sum(piece.count("\ufffd") for piece in pieces) == text.count("\ufffd")


@pytest.mark.parametrize("kind", LOSSLESS)
def test_split_emoji_stands_in_its_first_token(kind: str) -> None:
    """Four byte tokens of one emoji show as the emoji and three empty strings."""
    ids = token_ids(kind, "a😀")[-4:]
    assert Pieces(tokenizer(kind)).of(ids, start=1) == ("😀", "", "", "")


@pytest.mark.parametrize("kind", LOSSLESS)
def test_window_of_bytes_keeps_its_whole_characters(kind: str) -> None:
    """A window that begins and ends within characters shows all that are whole between, not one mark a byte."""
    ids = token_ids(kind, "a" + "😀" * 5)[-20:]
    shown = "".join(Pieces(tokenizer(kind)).of(ids[2:-1], start=2))
    assert shown.strip("\ufffd") == "😀😀😀"


@pytest.mark.parametrize("kind", ["metaspace", "word_pieces"])
@given(words=st.lists(st.sampled_from(" ".join(TEXTS).split()), min_size=1, max_size=8))
def test_other_vocabularies_join_to_what_they_decode_to(kind: str, words: list[str]) -> None:
    """Without bytes in the vocabulary the pieces are still the text, for what the vocabulary can write."""
    ids = token_ids(kind, " ".join(words))
    assert "".join(Pieces(tokenizer(kind)).of(ids)) == tokenizer(kind).decode(ids, clean_up_tokenization_spaces=False)


@pytest.mark.parametrize("kind", ["with_prefix", "metaspace"])
def test_space_before_a_word_is_its_tokens_own(kind: str) -> None:
    """Within a text a token keeps its space; the one put before the text is not shown."""
    pieces, ids = Pieces(tokenizer(kind)), token_ids(kind, "the river runs")
    assert "".join(pieces.of(ids)) == "the river runs"
    assert "".join(pieces.of(ids, start=64)) == " the river runs"


@given(st.lists(st.binary(max_size=5), max_size=9))
def test_any_bytes(parts: list[bytes]) -> None:
    """Whatever the bytes, one string a part, joined what UTF-8 says of them all."""
    pieces = whole_characters(parts)
    assert len(pieces) == len(parts)
    assert "".join(pieces) == b"".join(parts).decode("utf-8", "replace")


@given(st.text(max_size=12).filter(bool), st.data())
def test_any_cuts_of_a_text(text: str, data: st.DataObject) -> None:
    """However the bytes of a text are cut, each character stands in the part that has its first byte."""
    own = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(own)), max_size=6)))
    parts = [own[a:b] for a, b in zip([0, *cuts], [*cuts, len(own)], strict=True)]
    begins = [sum(byte & 0xC0 != 0x80 for byte in part) for part in parts]
    assert [len(piece) for piece in whole_characters(parts)] == begins


def test_added_tokens_and_rows_without_token(subject: Subject) -> None:
    """A special token shows as it is written, and a row of the table behind the vocabulary as nothing."""
    bos = subject.bos
    assert bos is not None
    assert subject.display_tokens([bos, len(subject.tokenizer) + 5]) == ("<s>", "")


def test_one_token_alone_is_as_within_a_text(subject: Subject) -> None:
    """A token named alone is the string that stands for it in windows."""
    ids = subject.token_ids("the river runs")
    assert tuple(map(subject.display_token, ids)) == subject.display_tokens(ids)
