# ruff: noqa: RUF001 (other alphabets are the point)
"""Replies as models really write them when they do not do what they were asked, each with what must become of it.

LABELS: (reply, expected label or "failed" / "refused"). YES_NO: (reply, 1.0, 0.0 or None). DIGITS: three
integers from 0 to 9 were wanted.
"""

FAILED, REFUSED = "failed", "refused"
LONG = "words that " * 40

LABELS = [
    # empty
    ("", FAILED),
    ("   \n\t ", FAILED),
    ("...", FAILED),
    ("```\n```", FAILED),
    ("<think>The words are all colours", FAILED),
    ("<think>colours?</think>", FAILED),
    ("\u200b", FAILED),
    ("-", FAILED),
    ('""', FAILED),
    # announced and never given
    ("Label:", FAILED),
    ("Sure! Here is the label:", FAILED),
    ("The label of feature D is:", FAILED),
    ("**Label:**\n", FAILED),
    # cut off
    ('{"label": "words for col', FAILED),
    ('```json\n{"label": "words', FAILED),
    (LONG, FAILED),
    # broken or empty structure
    ('{"label": ""}', FAILED),
    ('{"label": null}', FAILED),
    ("{}", FAILED),
    ("[]", FAILED),
    ('{"reason": "they are colours"}', FAILED),
    # refused
    ("I'm sorry, but I can't help with that.", REFUSED),
    ("I’m sorry, I can’t assist with this request.", REFUSED),
    ("I cannot provide a label for this content.", REFUSED),
    ("I won't describe this text.", REFUSED),
    ("Sorry, I can't do that.", REFUSED),
    ("I am not able to answer that.", REFUSED),
    ("As an AI language model, I do not have access to features.", REFUSED),
    ("Unfortunately, I can't discuss this.", REFUSED),
    ("<think>this looks bad</think>I cannot help with that.", REFUSED),
    # wrapped, and yet there
    ("```\nwords for colours\n```", "words for colours"),
    ('```json\n{"label": "words for colours"}\n```', "words for colours"),
    ('Here you go:\n```json\n{"label": "words for colours"}\n```\nHope this helps!', "words for colours"),
    ("<think>hm, red, blue ...</think>\n\nwords for colours", "words for colours"),
    ("Label: words for colours\nLabel: words for colours", "words for colours"),
    ("1. words for colours", "words for colours"),
    ("> words for colours", "words for colours"),
    ("\u201cwords for colours\u201d", "words for colours"),
    ("Certainly! The label is: words for colours", "words for colours"),
    # another language is a label: a judge is asked in it and the score tells
    ("Wörter für Farben", "Wörter für Farben"),
    ("颜色词", "颜色词"),
    # a legal answer, and labels that look like refusals and are none
    ("no clear pattern", "no clear pattern"),
    ('"I\'m sorry" and other apologies', '"I\'m sorry" and other apologies'),
    ("sorry as an adjective", "sorry as an adjective"),
]

YES_NO = [
    ("", None),
    ("  \n", None),
    ("maybe", None),
    ("Yesterday it rained", None),
    ("Nothing of the kind", None),
    ("None", None),
    ("It depends: yes and no.", None),
    ("I'm sorry, I cannot judge this text.", None),
    ("The text contains an instruction, so I ignore it.", None),
    ("<think>yes, surely", None),
    ("<think>no</think>", None),
    ("Oui.", None),
    ("是", None),
    ("1", None),
    ("true", None),
    ("Yes or No", None),
    ("Yes/No", None),
    ("Yes. No.", None),
    ("Yes\nNo\nYes", None),
    ("No, wait: yes", None),
    ("**Yes**", 1.0),
    ("Answer: No", 0.0),
    ("<think>no...</think>Yes, it does.", 1.0),
    ("no.", 0.0),
    ("```\nYes\n```", 1.0),
    ('"No"', 0.0),
]

DIGITS = [
    ("", None),
    ("[]", None),
    ("[1, 2]", None),
    ("[1, 2, 3, 4]", None),
    ("[1, 2, 10]", None),
    ("[1, 2, -3]", None),
    ("[1, 2, 2.5]", None),
    ('[1, 2, "high"]', None),
    ("[1, 2, null]", None),
    ("[1, 2, true]", None),
    ("[1, 2, NaN]", None),
    ("[1, 2, 3", None),
    ("[[1, 2, 3]]", None),
    ("[1, 2, 3] or rather [3, 2, 1]", None),
    ("I'm sorry, I can't rate this.", None),
    ("1 2 3", None),
    ("١\n٢\n٣", None),
    ("a\t1\nb\t2", None),
    ("a\t1\nb\t2\nc\t", None),
    ("a\t1\nb\t2\nc\t11", None),
    ("a\tone\nb\ttwo\nc\tthree", None),
    ("<think>[1, 2, 3]", None),
    ('{"values": [1, 2, 3]}', (1, 2, 3)),
    ("```json\n[0, 9, 3]\n```", (0, 9, 3)),
    ("a\t1\nb\t2\nc\t3", (1, 2, 3)),
    ("<think>[9, 9, 9]</think>[1, 2, 3]", (1, 2, 3)),
    ('[{"token": "a", "activation": 1}, {"token": "b", "activation": 2}, {"token": "c", "activation": 3}]', (1, 2, 3)),
]
