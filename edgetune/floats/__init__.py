"""The float Graph of a model: what importers build, numpy runs and quantisation takes."""
