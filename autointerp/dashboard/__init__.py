"""The dashboard: server-rendered pages over an immutable snapshot of the runs of a home."""
