"""ONNX files: every node lowered to operators of the float Graph, channels last."""
