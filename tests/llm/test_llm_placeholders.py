"""The region of a prompt that is read, wherever the prompt stands."""

from hypothesis import given
from hypothesis import strategies as st

from autointerp.llm.placeholders import find_region

words = st.text(st.sampled_from("ab \n_"), max_size=12)


@given(words, words, words, st.integers(0, 2))
def test_the_region_is_what_follows_the_last_announcement(
    before: str, items: str, around: str, n_examples: int
) -> None:
    """Whatever turns stand around the prompt, and however many examples before it are announced alike."""
    prompt = "label\n" + "<start>\n a\t3\n<end>\n" * n_examples + f"{before}\n<start>\n{items}\n<end>"
    text = f"<turn>{around}{prompt}</turn>"
    region = find_region(text, prompt, "<start>")
    assert region is not None
    assert text[slice(*region)] == f"\n{items}\n<end>"


@given(words)
def test_a_line_that_only_holds_the_announcement_is_none(text: str) -> None:
    """Nor is a prompt that does not stand in the text at all."""
    prompt = f"x{text}<start>y\nend"
    assert find_region(prompt, prompt, "<start>") is None
    assert find_region("another", f"z\n<start>\n{text}z", "<start>") is None
