"""The harness: declares, runs, records, compares and reports."""
