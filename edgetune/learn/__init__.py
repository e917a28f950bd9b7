"""The integer arithmetic in numpy: the readable reference of the C engine."""
