"""Networks whose kernels are tuned: built with PyTorch, imported by TVM, and split into tasks."""
