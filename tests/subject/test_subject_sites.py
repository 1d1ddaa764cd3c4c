"""Sites: every name resolves to what it says, by values, on models of many architectures."""

from itertools import combinations

import pytest
import torch
from architectures import ARCHITECTURES, HIDDEN, LAYERS, D, build_subject, gain, linear, norm, standardised
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autointerp.core.errors import SubjectError
from autointerp.subject.model import Subject
from autointerp.subject.sites import HOOKS, PARTS, Site

CONTEXTS = [[3, 14, 15, 9, 26, 5], [35, 8, 9, 7, 9, 3]]
EVERY = pytest.mark.parametrize("name", ARCHITECTURES)


def at(subject: Subject, *names: str) -> list[Tensor]:
    """Return the vectors at several sites, from one pass."""
    found = subject.vectors_at(CONTEXTS, [Site.parse(name) for name in names])
    return [found[Site.parse(name)] for name in names]


def close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def hidden_states(subject: Subject) -> list[Tensor]:
    with torch.inference_mode():
        whole = subject.model(input_ids=subject.with_bos(CONTEXTS), output_hidden_states=True)
    return [vectors[:, 1:] for vectors in whole.hidden_states]


@EVERY
def test_residual_is_the_hidden_state(name: str) -> None:
    """residual.N is the model's own hidden state after N layers; residual.0 enters the first one."""
    subject = build_subject(name)
    for n, state in enumerate(hidden_states(subject)[:LAYERS]):
        close(at(subject, f"residual.{n}")[0], state)


@EVERY
@pytest.mark.parametrize("n", [1, LAYERS])
def test_layers_add_up(name: str, n: int) -> None:
    """The stream after a layer is the stream before it plus what its attention and its MLP add, no more."""
    subject = build_subject(name)
    before, attention, mlp, after = at(subject, f"residual.{n - 1}", f"attention.{n}", f"mlp.{n}", f"residual.{n}")
    assert attention.norm() > 0.1
    assert mlp.norm() > 0.1
    close(before + attention + mlp, after)
    if not ARCHITECTURES[name].is_parallel:
        (middle,) = at(subject, f"residual_mid.{n}")
        close(before + attention, middle)
        close(middle + mlp, after)


@EVERY
@torch.inference_mode()
def test_projections_of_neurons_and_heads(name: str) -> None:
    """Neurons through the down projection are what the MLP adds, heads through theirs what attention does."""
    architecture, subject = ARCHITECTURES[name], build_subject(name)
    layer = subject.model.get_submodule(f"{architecture.layers}.1")
    neurons, mlp, heads, attention = at(subject, "neurons.2", "mlp.2", "heads.2", "attention.2")
    assert neurons.shape[-1] == HIDDEN
    for vectors, projection, after, added in (
        (neurons, architecture.down, architecture.mlp_after, mlp),
        (heads, architecture.output, architecture.attention_after, attention),
    ):
        projected = linear(layer.get_submodule(projection), vectors)
        whole = norm(architecture, layer.get_submodule(after), projected) if after else projected
        close(whole * architecture.scale, added)


@EVERY
@torch.inference_mode()
def test_what_the_mlp_reads(name: str) -> None:
    """mlp_in is the MLP's argument; mlp_normalized is the same without gain and bias, by the norm's formula."""
    architecture, subject = ARCHITECTURES[name], build_subject(name)
    layer = subject.model.get_submodule(f"{architecture.layers}.1")
    entering = "residual.1" if architecture.is_parallel else "residual_mid.2"
    stream, read = at(subject, entering, "mlp_in.2")
    if architecture.mlp_norm is None:
        close(stream, read)
        with pytest.raises(SubjectError, match=r"has no mlp_normalized; there are residual\.2"):
            at(subject, "mlp_normalized.2")
        return
    (normalised,) = at(subject, "mlp_normalized.2")
    close(standardised(architecture, stream), normalised)
    close(gain(architecture, layer.get_submodule(architecture.mlp_norm), normalised), read)


@EVERY
def test_modules_by_their_path(name: str) -> None:
    """A module's output and input are what the sites of those places hold, tuples and keywords or not."""
    architecture, subject = ARCHITECTURES[name], build_subject(name)
    layer = f"{architecture.layers}.1"
    close(at(subject, f"module:{layer}")[0], at(subject, "residual.2")[0])
    close(at(subject, f"{layer}.output")[0], at(subject, "residual.2")[0])
    close(at(subject, f"module:{layer}:in")[0], at(subject, "residual.1")[0])
    close(at(subject, f"{layer}.{architecture.output}.input")[0], at(subject, "heads.2")[0])
    attention = architecture.output.split(".")[0]
    if architecture.attention_after is None:
        close(at(subject, f"{layer}.{attention}")[0] * architecture.scale, at(subject, "attention.2")[0])
    # The attention gets its stream by name in some architectures.
    assert at(subject, f"module:{layer}.{attention}:in")[0].shape == (2, 6, D)


@EVERY
def test_embedding(name: str) -> None:
    """The embedding is what the model puts in for each token, whatever else enters the first layer."""
    subject = build_subject(name)
    with torch.inference_mode():
        expected = subject.model.get_input_embeddings()(torch.tensor(CONTEXTS))
    close(at(subject, "hook_embed")[0], expected)


@pytest.mark.parametrize("name", ["gpt_neox", "phi", "gptj", "cohere"])
def test_a_parallel_layer_has_no_middle(name: str) -> None:
    """Where attention and MLP read one stream there is nothing between them; the error names what there is."""
    with pytest.raises(
        SubjectError, match=r"has no residual_mid; there are residual\.2, attention\.2, mlp\.2, heads\.2"
    ):
        at(build_subject(name), "residual_mid.2")


@pytest.mark.parametrize("name", ["llama", "gpt2", "gpt_neox", "gemma3_text", "gemma3"])
@settings(max_examples=12)
@given(st.permutations(range(4)), st.integers(1, 4))
def test_one_pass_gives_what_each_gives_alone(name: str, order: list[int], k: int) -> None:
    """Sites asked for together, in any order and twice, are equal to each by itself."""
    subject = build_subject(name)
    names = [["residual.2", "neurons.1", "mlp_normalized.3", "heads.2"][i] for i in order[:k]]
    for vectors, own in zip(at(subject, *names, names[0]), [*names, names[0]], strict=True):
        assert torch.equal(vectors, at(subject, own)[0])


@pytest.mark.parametrize("name", ["llama", "gpt2", "gpt_neox", "gemma3_text"])
@pytest.mark.parametrize(
    ("sites", "n_run"), [(("residual.0",), 0), (("residual.1", "mlp.1"), 1), (("heads.2", "mlp.1"), 1)]
)
def test_later_layers_are_not_run(name: str, sites: tuple[str, ...], n_run: int) -> None:
    """The pass ends at the last site needed: layers behind it do no work, and the model is left as it was."""
    subject = build_subject(name)
    ran: list[int] = []
    layers = subject.model.get_submodule(ARCHITECTURES[name].layers)
    handles = [layer.register_forward_hook(lambda *_, i=i: ran.append(i)) for i, layer in enumerate(layers)]
    at(subject, *sites)
    stopped = list(ran)
    hidden_states(subject)
    for handle in handles:
        handle.remove()
    # The layer in which the last site stands is not finished.
    assert stopped == list(range(n_run))
    assert ran == [*stopped, *range(LAYERS)]


@EVERY
def test_width_of_a_site(name: str) -> None:
    """Each site has its own width: the MLP's neurons and the heads are not of the stream's."""
    subject = build_subject(name)
    assert subject.width_of(Site("residual", 2)) == subject.d_model == D
    assert subject.width_of(Site("neurons", 2)) == HIDDEN
    assert subject.width_of(Site("heads", 1)) == at(subject, "heads.1")[0].shape[-1]


@EVERY
def test_replacing_what_stands_at_a_site(name: str) -> None:
    """What is put in the place of a site is what the model goes on with; putting it back changes nothing."""
    subject = build_subject(name)
    (after,) = at(subject, "residual.2")
    parts = ["residual.1", "neurons.2", "heads.2", "mlp_in.2"]
    for part in parts:
        # Turned, not multiplied: the norms of Gemma take a factor away again.
        for by, is_same in ((0, True), (1, False)):
            handle = subject.tap(Site.parse(part)).replace(lambda vectors, by=by: vectors.roll(by, -1))
            changed = at(subject, "residual.2")[0]
            handle.remove()
            assert torch.allclose(changed, after, atol=1e-4) == is_same


def test_a_computed_site_cannot_be_replaced() -> None:
    """What is no tensor of the model's own cannot be put in; silence would pass for an effect."""
    with pytest.raises(SubjectError, match="cannot be replaced"):
        build_subject("llama").tap(Site("mlp_normalized", 1)).replace(lambda vectors: vectors)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("layer", [1, 3])
def test_notations_agree(part: str, layer: int) -> None:
    """Both notations name the same site, layers counted from 1 here and from 0 in SAE-Lens's."""
    site = Site.parse(f"{part}.{layer}")
    assert Site.parse(site.hook_name) == site
    assert Site.parse(str(site)) == site


@pytest.mark.parametrize(
    "text", ["embedding", "residual.0", "module:model.layers.3.mlp", "module:a.b.c:in", "module:mlp"]
)
def test_other_sites_keep_their_name(text: str) -> None:
    """The embedding, the stream before the first layer and modules are written as they are read."""
    assert str(Site.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("blocks.11.hook_resid_post", "residual.12"),
        ("blocks.11.hook_resid_pre", "residual.11"),
        ("blocks.0.hook_resid_pre", "residual.0"),
        ("blocks.4.attn.hook_z", "heads.5"),
        ("blocks.4.hook_mlp_in", "mlp_in.5"),
        ("model.layers.3.mlp", "module:model.layers.3.mlp"),
        ("transformer.h.3", "module:transformer.h.3"),
        ("layers.10", "module:layers.10"),
        ("model.layers.7.output", "module:model.layers.7"),
        ("model.layers.7.self_attn.o_proj.input", "module:model.layers.7.self_attn.o_proj:in"),
    ],
)
def test_names_of_others(text: str, same: str) -> None:
    """Names of SAE-Lens, TransformerLens, sparsify and Gemma Scope 2 are read as the sites they mean."""
    assert str(Site.parse(text)) == same


@pytest.mark.parametrize(
    "text",
    ["residual", "residual.x", "resid.3", "blocks.3.hook_q", "", "residual.3 ", "mlp.-1", "module:", "module: x"],
)
def test_other_notations_are_refused(text: str) -> None:
    """What is no site is an error that shows how to write one."""
    with pytest.raises(SubjectError, match=r"write residual\.N"):
        Site.parse(text)


def test_every_hook_is_a_part() -> None:
    """The table of TransformerLens's names leads to parts there are."""
    assert {part for part, _ in HOOKS.values()} == set(PARTS)


@pytest.mark.parametrize("text", ["mlp.0", "residual.4", "blocks.3.hook_mlp_out"])
def test_layer_that_does_not_exist(text: str) -> None:
    """The error names the layers there are."""
    with pytest.raises(SubjectError, match="layers 1 to 3"):
        at(build_subject("llama"), text)


def test_module_that_does_not_exist() -> None:
    """The error names modules of like names."""
    with pytest.raises(SubjectError, match=r"no module 'model\.layers\.1\.mpl'; near it are .*model\.layers\.1\.mlp"):
        at(build_subject("llama"), "module:model.layers.1.mpl")


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ("module:model.rotary_emb", "not one vector a token"),
        ("module:model.embed_tokens:in", "not one vector a token"),
        ("module:model.layers", "not one vector a token"),
    ],
)
def test_module_without_vectors(site: str, said: str) -> None:
    """A module that gives no vector a token, or is never called, is an error and not an empty result."""
    with pytest.raises(SubjectError, match=said):
        at(build_subject("llama"), site)


def test_path_from_the_text_model() -> None:
    """A path may be counted from the text model, as sparsify counts it, in wrapped models too."""
    for name in ("gemma3", "llama", "gpt_neox"):
        close(at(build_subject(name), "layers.1")[0], at(build_subject(name), "residual.2")[0])


def test_layers_of_no_known_family() -> None:
    """In a layer that is put together otherwise only its ends are known; the error names its modules."""
    import transformers

    config = transformers.OPTConfig(
        vocab_size=50, hidden_size=D, ffn_dim=HIDDEN, num_hidden_layers=2, num_attention_heads=2, word_embed_proj_dim=D
    )
    subject = Subject("opt", transformers.OPTForCausalLM(config), build_subject("llama").tokenizer)
    assert at(subject, "residual.1")[0].shape == (2, 6, D)
    with pytest.raises(
        SubjectError, match=r"has no mlp; there are residual\.1, .*module:model\.decoder\.layers\.0\.fc2"
    ):
        at(subject, "mlp.1")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_none(bad: float) -> None:
    """NaN and infinity are an error that names the site, never activations."""
    subject = build_subject("llama")
    weight = subject.model.get_submodule("model.layers.1.mlp.down_proj").weight
    kept = weight[0, 0].item()
    with torch.no_grad():
        weight[0, 0] = bad
    try:
        assert torch.isfinite(at(subject, "residual.1")[0]).all()
        with pytest.raises(SubjectError, match=r"site residual\.2: NaN or infinite"):
            at(subject, "residual.2")
    finally:
        with torch.no_grad():
            weight[0, 0] = kept


def test_all_pairs_of_parts() -> None:
    """No part of a layer is another: each pair of them holds different vectors."""
    found = at(build_subject("llama"), *[f"{part}.2" for part in PARTS])
    for one, other in combinations(found, 2):
        assert one.shape != other.shape or not torch.allclose(one, other, atol=1e-2)
