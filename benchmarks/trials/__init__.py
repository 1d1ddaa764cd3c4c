"""Trials on features whose truth is known: each module returns figures by name; ``scorers.py`` prints them."""
