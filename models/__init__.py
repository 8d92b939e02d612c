"""What is trained: pure torch components and the registry that names them."""
