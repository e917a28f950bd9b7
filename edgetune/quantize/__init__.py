"""Post-training quantisation: a float Graph and samples become an int8 .tflite file."""

from edgetune.quantize.convert import Conversion, convert, load, passed
from edgetune.quantize.options import Options
from edgetune.quantize.report import Report

__all__ = ["Conversion", "Options", "Report", "convert", "load", "passed"]
