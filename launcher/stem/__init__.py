"""Commands of `launcher/stem_sharing.py` and `launcher/client.py`."""
