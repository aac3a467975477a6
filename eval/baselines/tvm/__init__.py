"""Apache TVM (https://tvm.apache.org): without a schedule, tiled by hand, and tuned by MetaSchedule.

Everything here runs in the process of the TVM library alone, where `rllib_envs.tvm_host.prepare_import` is called
first.
"""
