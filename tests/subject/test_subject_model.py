"""The subject: text to tokens and back, sites, and vectors equal to a full forward pass."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from autointerp.core.errors import SubjectError
from autointerp.subject.model import Subject
from autointerp.subject.sites import Site


@given(st.text(max_size=40), st.integers(0, 12), st.integers(0, 12))
@example("a 😀 b", 0, 0)
@example("\ufffd" * 9 + "😀", 0, 0)
@example("\ufffdx", 0, 0)
def test_display_tokens_join_to_the_text(subject: Subject, text: str, head: int, tail: int) -> None:
    """One string a token; joined they are the text, also where a tile begins or ends within a character."""
    ids = subject.token_ids(text)
    for part in (ids, ids[head:], ids[: len(ids) - tail], ids[head : len(ids) - tail]):
        tokens = subject.display_tokens(part)
        assert len(tokens) == len(part)
        assert "".join(tokens) == subject.tokenizer.decode(part, clean_up_tokenization_spaces=False)
    assert "".join(subject.display_tokens(ids)) == text


def test_split_character_stands_whole_in_its_first_token(subject: Subject) -> None:
    """Four byte tokens of one emoji show as the emoji and three empty strings."""
    ids = subject.token_ids("a😀b")
    assert len(ids) == 6
    assert subject.display_tokens(ids) == ("a", "😀", "", "", "", "b")


def test_subject_that_does_not_exist(tmp_path: object) -> None:
    """A folder without a model is an error of the configuration, naming it."""
    with pytest.raises(SubjectError, match="cannot be loaded"):
        Subject.load(f"{tmp_path}/nothing")


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_site_vectors_equal_a_full_pass(subject: Subject, layer: int) -> None:
    """The pass that stops at the site gives the hidden states of a whole pass, the BOS row cut off."""
    contexts = [subject.token_ids("the river runs to the sea")[:6], subject.token_ids("a red house stands by an")[:6]]
    vectors = subject.site_vectors(contexts, Site("residual", layer))
    with torch.inference_mode():
        whole = subject.model(input_ids=subject.with_bos(contexts), output_hidden_states=True)
    assert vectors.shape == (2, 6, subject.d_model)
    torch.testing.assert_close(vectors, whole.hidden_states[layer][:, 1:], rtol=0, atol=1e-5)


def test_blocks_add_up(subject: Subject) -> None:
    """What attention and MLP of a layer add is the difference of the residual stream before and after it."""
    context = [subject.token_ids("the green hills sing in the rain")]
    at = {s: subject.site_vectors(context, Site.parse(s)) for s in ("residual.1", "attention.2", "mlp.2", "residual.2")}
    added = at["attention.2"] + at["mlp.2"]
    torch.testing.assert_close(at["residual.1"] + added, at["residual.2"], rtol=0, atol=1e-4)


def test_no_hook_is_left_behind(subject: Subject) -> None:
    """After a pass that was stopped, the model runs to its end again."""
    ids = subject.token_ids("the sea")
    subject.site_vectors([ids], Site("residual", 1))
    with torch.inference_mode():
        assert subject.model(input_ids=subject.with_bos([ids])).logits.shape[1] == len(ids) + 1
