"""Labels for the features of sparse dictionaries, and how far each can be trusted."""

__version__ = "0.1.0"
