"""Simulation for judges that give no probabilities: whole numbers written as JSON, a token at a time."""

from autointerp.core.types import About, Prompt, Question, Text
from autointerp.prompting.files import render
from autointerp.prompting.windows import safe_text
from autointerp.score.cost import estimate_tokens
from autointerp.score.settings import ScoreSettings
from autointerp.score.simulation import Simulation

TOKENS_A_WINDOW = 256


class SimulationJson(Simulation):
    """The windows and grading of ``simulation``; the judge writes ``{"token": ..., "activation": ...}`` for each token.

    A reply with another number of tokens, or a value outside 0..scale, is not read at all: zeros in its
    place would be a guess nobody made. Its scores are not those of ``simulation``, which are expected
    values of a distribution, and bear another scorer's name.
    """

    name = "simulation_json"
    needs: tuple[str, ...] = ("text",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        super().__init__(prompt, settings)
        answer = 64 * settings.tokens_per_number
        self.tokens_a_call = estimate_tokens(prompt, text=TOKENS_A_WINDOW, answer=answer)

    def ask(self, about: About) -> Question:
        """Return the question about one window."""
        assert about.window is not None, "simulation questions are about a window"
        tokens = [safe_text(token) for token in about.window.tokens]
        system, prompt = render(self.prompt, label=safe_text(about.label), tokens=tokens, scale=self.settings.scale)
        return Question(system, prompt, len(tokens) * self.settings.tokens_per_number, Text(), about=about)
