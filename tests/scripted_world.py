"""A model that writes and judges everything the scorers and explainers ask, by a rule of its own."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tiny_world import World

from autointerp.core.draws import uniform
from autointerp.core.types import Digits, Question, YesNo
from autointerp.explain import EXPLAINERS, STEP_EXPLAINERS
from autointerp.llm.scripted import Answer
from autointerp.score import SCORERS, STEP_SCORERS

ALL_SCORERS = [*SCORERS, *STEP_SCORERS]
ALL_EXPLAINERS = [*EXPLAINERS, *STEP_EXPLAINERS]
TEXTS = ("the river runs to the sea", "a red house stands by the road", "spring rain falls on green hills")


@dataclass
class Script:
    """What the provider ``script`` was asked, by role; it answers the same question alike every time."""

    asked: Counter[str] = field(default_factory=Counter)

    def __call__(self, question: Question) -> Answer:
        self.asked[question.role or "unnamed"] += 1
        match question.wants:
            case YesNo():
                return uniform(0, "yes", question.key)
            case Digits(count=count, scale=scale):
                return [
                    [float(k == 1 + int(uniform(0, question.key, place) * scale)) for k in range(scale + 1)]
                    for place in range(count)
                ]
        return self._write(question)

    def _write(self, question: Question) -> str:
        number = int(uniform(0, question.key) * 1000)
        if question.role == "writer":
            return json.dumps([f"{text} {number}" for text in TEXTS])
        if "JSON list of" in question.prompt:
            tokens = json.loads(question.prompt.strip().splitlines()[-1])
            return json.dumps([{"token": token, "activation": number % 10} for token in tokens])
        if "one JSON object" in question.prompt:
            parts = ["rivers", "roads"]
            return json.dumps({"label": f"rivers {number}", "long": "Rivers.", "type": "context", "concepts": parts})
        return f"words about rivers {number}"


def everything(world: World, **changes: Any) -> dict[str, Any]:
    """Return the changes that name every explainer and scorer there is, in small numbers."""
    return {
        "dictionaries": [str(world.ladder / "32")],
        "explain": {"explainers": ALL_EXPLAINERS, "model": "script:writer", "n_candidates": 2},
        "score": {
            "scorers": ALL_SCORERS,
            "judge": "script:judge",
            "encoder": str(world.model),
            "n_choices": 4,
            "n_logits": 10,
            "n_written": 3,
            "n_excerpts": [2, 3, 2, 1],
        },
        "evidence": {
            "shown_top": 4,
            "shown_firing": 4,
            "shown_silent": 2,
            "shown_same_token": 1,
            "shown_near": 1,
            "shown_rival": 3,
            "select_firing": 3,
            "select_silent": 3,
            "held_out_firing": 4,
            "held_out_silent": 4,
            "held_out_same_token": 1,
            "held_out_near": 1,
            "held_out_rival": 2,
            "n_siblings": 1,
            "n_others": 1,
        },
    } | changes
