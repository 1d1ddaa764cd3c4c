"""Where in a text the items of a question stand: behind the last line that announces them."""


def find_region(text: str, prompt: str, after: str) -> tuple[int, int] | None:
    """Return start and end, in characters, of what follows the last line equal to *after*; None without one.

    *text* holds the prompt among other things, a chat template's turns for example. Templates and
    servers strip white space around it, and none keeps less than that; the last time it stands in
    the text counts.
    """
    body = prompt.strip()
    start = text.rfind(body)
    line = f"\n{body}".rfind(f"\n{after}\n")
    return None if start < 0 or line < 0 else (start + line + len(after), start + len(body))
