"""The words of a report, one line each; the same names as in prompts, tables and code."""

GLOSSARY: tuple[tuple[str, str], ...] = (
    ("feature", "One direction of a dictionary with its activation on every token; written family/width#index."),
    ("activation", "f · ‖d‖: the encoder's output times the length of the decoder's direction; 0 means silent."),
    ("density", "Share of tokens on which the feature's activation is above 0."),
    ("peak", "The largest activation seen in the harvested text."),
    ("single-token share", "How much of the feature's activation falls on one token: high means a token detector."),
    ("held-out window", "Text from documents the explainer never saw; labels are tested only on these."),
    ("explainer", "What writes a label: a language model shown examples, or lexical, a word count without any model."),
    (
        "stratum",
        "How a window was drawn: top (strongest), firing:0 to 9 (weak to strong), random, silent:... (no activation).",
    ),
    ("judge", "The language model (or stand-in) that predicts the feature from the label alone."),
    (
        "simulation",
        "The judge predicts every token's activation as a digit from the label; correlation with the truth.",
    ),
    ("top and random", "Simulation on the strongest and on random windows together; easier than random only."),
    ("detection", "The judge says for each window whether it holds what the label says; AUROC of P(yes)."),
    ("AUROC", "How often a firing window gets a higher P(yes) than a silent one; 0.5 is guessing."),
    ("chance", "What a worthless label gets on average; none where it has no fixed value."),
    ("shuffled control", "The same test with the label of another feature of the same dictionary."),
    ("blank control", "The same test with an empty label: what the judge gets from the text alone."),
    (
        "look-up control",
        "A table of mean activation by token instead of label and judge: what needs no interpretation.",
    ),
    ("excess", "Mean over features of (score of the label minus score of the control on the same feature)."),
    ("labelled", "The label leads other features' labels on the same windows, with at most 5% false discoveries."),
    ("95% interval", "Bootstrap over features: how far the mean moves if other features had been drawn."),
    ("per firing", "The mean with every feature weighted by its density: the score at a random firing."),
    ("scored n/N", "Features with a number, of all that were asked about; the rest stand under failures by reason."),
    (
        "density held fixed",
        "Means over features of like density at every width, as in a matched sample: density explains no difference.",
    ),
    (
        "raw",
        "Widths as they are: firing density is not held fixed, so differences between widths are not about quality.",
    ),
    ("eligible", "Neither dead nor with too few held-out examples to test a label."),
    ("certificate", "How the judge did on features made up with a known meaning: right labels must beat wrong ones."),
    ("tau", "Kendall's rank correlation between a label's score and its true quality, on made-up features."),
    ("set right", "A mean share of yes corrected for the judge's sensitivity and specificity on the zoo."),
    ("kappa", "Agreement of two beyond what their shares of yes give by chance: 1 always, 0 no more than chance."),
    ("votes they amount to", "How many judges that err independently would err together as seldom as these."),
    (
        "uncertified",
        "The judge failed that examination or never sat it: its scores are not evidence about single labels.",
    ),
    (
        "diagnosis",
        "What is the matter with a label, as tags derived from its scores and the judge's answers; each tag that was "
        "given stands explained under What is the matter.",
    ),
    ("L0", "Features active on one token, on average."),
    ("variance explained", "Share of the activations' variance that the dictionary's reconstruction keeps."),
    ("CE recovered", "Share of the cross-entropy lost by zeroing the site that the reconstruction wins back."),
)
