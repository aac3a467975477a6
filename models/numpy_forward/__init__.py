"""The forward pass of networks in NumPy, for the few states at a time of a policy in use.

`models.networks` and `models.encoders` define what is computed. For one state PyTorch takes several times as long,
nearly all of it to prepare its operations, and a search that measures a schedule in a millisecond notices that.
`tests/models/test_inference.py` and `tests/models/test_numpy_forward.py` hold the two to the same scores.
"""
