"""Network scaling: the width, depth and resolution of a base network that are most accurate within bounds on latency
and memory.
"""
