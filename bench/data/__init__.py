"""Recordings, windows, splits and the sources they come from."""
