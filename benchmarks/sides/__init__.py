"""What each side of ``benchmarks/delphi.py`` does, and what both read."""
