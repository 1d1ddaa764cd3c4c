"""Errors a person can act on, by what the caller can do about them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autointerp.core.types import Reply


class AutointerpError(Exception):
    """The world is not as it should be; the message says what, where and what to do."""

    exit_code = 1


class ConfigError(AutointerpError):
    """A setting or an argument is wrong; nothing was spent."""

    exit_code = 2


class CorpusError(ConfigError):
    """The text named in the configuration cannot be used."""


class SubjectError(ConfigError):
    """The subject model, site or dictionary does not exist or does not fit."""


class EnvironmentProblem(AutointerpError):
    """Something the program needs is missing on this machine."""

    exit_code = 3


class StoreError(AutointerpError):
    """A file of ours is damaged, foreign or cannot be written."""

    exit_code = 3


class Incomplete(AutointerpError):
    """The run ended with work left over; the same command goes on from here."""

    exit_code = 4


class ProviderUnavailable(AutointerpError):
    """The language model could not be asked; the same command goes on from here."""

    exit_code = 5


class BudgetReached(AutointerpError):
    """The ceiling on money or tokens is reached; the same command with a higher one goes on from here."""

    exit_code = 6


class AskFailed(Exception):
    """One question got no answer; ``reason`` is a ``Reason`` and becomes a failure row.

    ``reply`` is what came back and was paid for all the same (a refusal, a list of the wrong length),
    with its raw text; None when nothing came.
    """

    def __init__(self, reason: str, detail: str, *, reply: "Reply | None" = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.reply = reply
