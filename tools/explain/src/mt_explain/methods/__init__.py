"""Ways of dividing a prediction among the parts of a sample."""

from mt_explain.methods.choice import DEFAULT_METHOD, METHODS, Method, resolved

__all__ = ["DEFAULT_METHOD", "METHODS", "Method", "resolved"]
