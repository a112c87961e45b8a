"""Provide fake workers, heads, corpora and files for the tests."""
