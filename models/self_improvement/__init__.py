"""Self-improvement: play each benchmark many times, and learn to do what the best of these episodes did.

Pirnay and Grimm (2024), "Self-Improvement for Neural Combinatorial Optimization: Sample Without Replacement, but
Improvement". Needs no estimate of what a state is worth, and learns from one episode out of many, so it is for problems
where playing is cheap: where many episodes of a benchmark are played in one go, or where evaluating costs nothing.
"""
