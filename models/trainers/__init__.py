"""The trainers by name, each with settings that suit short episodes whose rewards are never negative.

`registry` finds one by name; each other module is one algorithm, with its settings and what a sweep tries of them.
"""
