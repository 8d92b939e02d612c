"""A plant's own data: a folder of files that anyone can write, read as it lies there."""
