"""Environment runners: they play episodes for every trainer."""
