"""Neurons read where they stand, on three architectures; and the shuffled subject."""

from typing import Any

import pytest
import torch
from architectures import NumberTokens

from autointerp.core.errors import SubjectError
from autointerp.subject.dictionaries import SparseDictionary
from autointerp.subject.model import Site, Subject
from autointerp.subject.neurons import down_projection, written_by_neurons
from autointerp.subject.shuffled import check_shuffled, shuffle_weights

pytestmark = pytest.mark.usefixtures("third_parties")

CONTEXTS = [(1, 2, 3, 4), (5, 6, 7, 8)]


def small_model(architecture: str) -> Subject:
    """Return a random model of 2 layers, 16 dimensions and 48 neurons."""
    import transformers as t

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": 30, "hidden_size": 16, "intermediate_size": 48, "num_hidden_layers": 2}
    sizes |= {"num_attention_heads": 2, "max_position_embeddings": 64}
    models = {
        "llama": lambda: t.LlamaForCausalLM(t.LlamaConfig(**sizes, tie_word_embeddings=True)),
        "neox": lambda: t.GPTNeoXForCausalLM(t.GPTNeoXConfig(**sizes)),
        "gpt2": lambda: t.GPT2LMHeadModel(
            t.GPT2Config(vocab_size=30, n_embd=16, n_inner=48, n_layer=2, n_head=2, n_positions=64)
        ),
    }
    return Subject(architecture, models[architecture](), NumberTokens(30, bos_token_id=None))


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "neox"])
def test_neurons_times_what_they_write_is_the_mlp(architecture: str) -> None:
    """Neurons times their written rows, with the bias where there is one, are what the MLP adds."""
    subject = small_model(architecture)
    found = subject.site_vectors(CONTEXTS, Site("neurons", 2))
    bias = getattr(down_projection(subject, 2), "bias", None)
    added = found @ written_by_neurons(subject, 2) + (0 if bias is None else bias.detach())
    assert found.shape == (2, 4, 48)
    torch.testing.assert_close(added, subject.site_vectors(CONTEXTS, Site("mlp", 2)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "neox"])
def test_shuffled_weights_are_the_same_values_elsewhere(architecture: str) -> None:
    """Every matrix has its own values in another order, every vector stays, and a second subject is shuffled alike."""
    trained, one, other = (small_model(architecture) for _ in range(3))
    for subject in (one, other):
        shuffle_weights(subject)
    again = dict(other.model.named_parameters())
    before = dict(trained.model.named_parameters())
    moved = 0
    for name, weight in one.model.named_parameters():
        assert torch.equal(weight, again[name]), name
        assert torch.equal(weight.flatten().sort().values, before[name].flatten().sort().values), name
        is_equal = torch.equal(weight, before[name])
        assert is_equal == (weight.dim() < 2), name
        moved += not is_equal
    assert moved > 5


def test_shuffled_subject_is_another_subject() -> None:
    """A tied unembedding moves with the embedding, and the subject's hash is another one, asked before or after."""
    trained, shuffled = small_model("llama"), small_model("llama")
    assert trained.sha256 == shuffled.sha256
    shuffle_weights(shuffled)
    assert trained.sha256 != shuffled.sha256
    model = shuffled.model
    assert model.get_output_embeddings().weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()


def test_dictionary_of_the_other_subject(dictionaries: list[SparseDictionary]) -> None:
    """A dictionary trained on the subject as it is does not read a shuffled one."""
    check_shuffled(dictionaries, is_shuffled=False)
    with pytest.raises(SubjectError, match="set shuffle_weights = false"):
        check_shuffled(dictionaries, is_shuffled=True)
