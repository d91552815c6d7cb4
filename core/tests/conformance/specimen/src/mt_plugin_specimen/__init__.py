"""Bags of readings: rows in no order, of any number of channels."""
