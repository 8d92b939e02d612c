"""One cell: an arm on a unit, trained and read once."""
