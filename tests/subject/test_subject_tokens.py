"""Tokenizer and model: sizes that cannot belong together are refused, odd ones that can are not."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_world import D_MODEL, World

from autointerp.core.errors import SubjectError
from autointerp.subject.model import Site, Subject

Made = Callable[..., str]
N_TOKENS = 385
"""Of the tiny tokenizer."""


@pytest.fixture
def made(world: World, tmp_path: Path) -> Made:
    """Save the tiny tokenizer, changed, beside a model with so many rows of embeddings; return the folder."""

    def save(*, n_rows: int, change: Callable[[Any], None] = lambda _: None, bos: str | None = "<s>") -> str:
        from tokenizers import Tokenizer
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

        plain = Tokenizer.from_file(str(world.model / "tokenizer.json"))
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, bos_token=bos)
        change(tokenizer)
        tokenizer.save_pretrained(tmp_path / "model")
        config = LlamaConfig(
            vocab_size=n_rows,
            hidden_size=D_MODEL,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            bos_token_id=0,
            eos_token_id=0,
        )
        LlamaForCausalLM(config).save_pretrained(tmp_path / "model")
        return str(tmp_path / "model")

    return save


@pytest.mark.parametrize(
    ("n_rows", "words"), [(300, "numbers 385 tokens, but .* 300"), (20_000, "385 tokens only, but .* 20,000")]
)
def test_tokenizer_of_another_model(made: Made, n_rows: int, words: str) -> None:
    """Tokens without embedding, or a small vocabulary before a large table: refused with both sizes and a remedy."""
    with pytest.raises(SubjectError, match=rf"{words}.*put the tokenizer that came with the weights"):
        Subject.load(made(n_rows=n_rows))


@pytest.mark.parametrize("n_rows", [N_TOKENS, 448, N_TOKENS + 1024])
def test_padded_table(made: Made, n_rows: int) -> None:
    """Rows without a token, as padding to round sizes leaves them, are no reason to refuse."""
    subject = Subject.load(made(n_rows=n_rows))
    assert subject.token_ids("the sea")
    assert subject.display_token(n_rows) == ""


def test_added_token_without_row(made: Made) -> None:
    """A padding token that came later does no harm until a text holds it; then the error names it."""
    subject = Subject.load(made(n_rows=N_TOKENS, change=lambda t: t.add_special_tokens({"pad_token": "<pad>"})))
    assert len(subject.site_vectors([subject.token_ids("the sea")], Site.parse("residual.1"))) == 1
    with pytest.raises(SubjectError, match=r"'<pad>', token 385, .* 385 tokens; take it out of the text"):
        subject.token_ids("the <pad> sea")


def test_begin_token_without_row(made: Made) -> None:
    """A tokenizer whose BOS the model does not know is refused: it stands before every context."""
    folder = made(n_rows=N_TOKENS, change=lambda t: t.add_special_tokens({"bos_token": "<begin>"}), bos=None)
    with pytest.raises(SubjectError, match="numbers 386 tokens"):
        Subject.load(folder)


def test_no_special_tokens(made: Made) -> None:
    """A tokenizer without special tokens gives contexts without BOS, one vector a token."""
    subject = Subject.load(made(n_rows=N_TOKENS, bos=None))
    ids = subject.token_ids("the river runs")
    assert subject.bos is None
    assert subject.site_vectors([ids], Site.parse("residual.1")).shape == (1, len(ids), D_MODEL)


def test_no_tokenizer(world: World, tmp_path: Path) -> None:
    """A folder with weights alone is an error of the configuration, naming it."""
    shutil.copytree(world.model, tmp_path / "model", ignore=shutil.ignore_patterns("tokenizer*"))
    with pytest.raises(SubjectError, match=r"model' cannot be loaded"):
        Subject.load(str(tmp_path / "model"))


@pytest.mark.parametrize(("text", "shown"), [("a \ud83d\ude00", "a 😀"), ("a \ud800 b", "a \ufffd b")])
def test_halves_of_characters(subject: Subject, text: str, shown: str) -> None:
    """Halves that belong together are one character, and a lone one is shown as what cannot be read."""
    assert "".join(subject.display_tokens(subject.token_ids(text))) == shown
