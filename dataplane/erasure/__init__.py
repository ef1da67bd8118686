"""Erasure coding: which profile, where each byte of a segment goes, and the codec. Knows no files."""
