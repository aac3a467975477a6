"""Experience replay: episodes become transitions, and transitions are learnt from several times."""
