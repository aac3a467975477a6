"""TVM's own search, MetaSchedule's evolutionary one with XGBoost, as a tuner: in a process of its own."""
