"""IMPALA and APPO: RLlib's algorithms, with V-trace that is right for short episodes."""
