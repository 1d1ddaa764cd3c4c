"""Whether a tokenizer and a model belong together, as far as their sizes tell, and text a tokenizer takes."""

from typing import Any

from autointerp.core.errors import SubjectError

MOST_UNUSED = 1024
MOST_UNUSED_FRACTION = 0.1
"""Rows of the embedding table without a token: tables are padded to round sizes, and some tokens reserved. Neither
comes to a tenth; a small vocabulary in a large table is another model's tokenizer, and its text would be noise."""


def check_tokenizer(name: str, tokenizer: Any, *, n_rows: int) -> frozenset[int]:
    """Return the added tokens for which the model has no row of its *n_rows*: no text with one of them can be run.

    Those a plain text never holds (a padding token that came later) do no harm. A tokenizer without any
    special token is fine: contexts then begin without BOS.

    Raises:
        SubjectError: Ordinary tokens, or BOS, have no row, or too many rows have no token.
    """
    ids = set(tokenizer.get_vocab().values())
    added = set(tokenizer.get_added_vocab().values()) - {tokenizer.bos_token_id}
    beyond = {i for i in ids if i >= n_rows}
    if beyond - added:
        _refuse(name, f"its tokenizer numbers {max(beyond - added) + 1:,} tokens", n_rows)
    if n_rows - len(ids - beyond) > max(MOST_UNUSED, MOST_UNUSED_FRACTION * n_rows):
        _refuse(name, f"its tokenizer has {len(ids):,} tokens only", n_rows)
    return frozenset(beyond)


def _refuse(name: str, what: str, n_rows: int) -> None:
    msg = (
        f"subject {name!r}: {what}, but the model has embeddings for {n_rows:,}: they are not of one model; "
        f"put the tokenizer that came with the weights into their folder (tokenizer.json, tokenizer_config.json)"
    )
    raise SubjectError(msg)


def check_ids(name: str, tokenizer: Any, ids: list[int], *, without_row: frozenset[int], n_rows: int) -> list[int]:
    """Return the ids. Raises SubjectError where the model has no embedding for one of them."""
    if wrong := without_row.intersection(ids):
        token = min(wrong)
        msg = (
            f"subject {name!r}: the text holds {tokenizer.convert_ids_to_tokens(token)!r}, token {token:,}, "
            f"but the model has embeddings for {n_rows:,} tokens; take it out of the text, "
            f"or out of the tokenizer's added tokens"
        )
        raise SubjectError(msg)
    return ids


def encodable(text: str) -> str:
    r"""Return the text with halves of characters (from broken JSON, say) put together, or marked where one is alone.

    A tokenizer takes no text that cannot be written as UTF-8.

    >>> encodable("a \ud83d\ude00 b \ud83d")
    'a 😀 b �'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
