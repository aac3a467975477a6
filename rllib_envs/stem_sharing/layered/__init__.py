"""Networks as rows of named layers, of which applications keep the first ones, and the files that hold them."""
