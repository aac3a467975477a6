"""Ask a server: client.py train <name> <config_file> <model_dir> <log_dir> <indices> <image_dir> [<image_test_dir>]."""

from __future__ import annotations

from launcher.stem.client import main

if __name__ == "__main__":
    main()
