"""Samplers: who proposes the next configuration. Each is made anew for every trial, from its number."""
