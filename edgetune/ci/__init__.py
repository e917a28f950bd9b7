"""Learning tests in a pipeline: a pytest plugin, and what ``edgetune ci init`` writes."""
