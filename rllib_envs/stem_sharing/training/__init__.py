"""Fine-tuning an application from a base network, once for each freeze point.

What it leaves is read by `accuracy_files.py` and `layered/model_file.py`.
"""
