"""Stem sharing: many video applications on one box, which share the layers that they keep frozen.

Mainstream (Jiang et al. 2018, USENIX ATC, "Dynamic Stem-Sharing for Multi-Tenant Video Processing").
"""
