"""Learning tests in a pipeline: a pytest plugin, and what ``edgetune ci init`` writes."""

SECONDS = 300.0  # that a test may take on one device where nobody says otherwise
