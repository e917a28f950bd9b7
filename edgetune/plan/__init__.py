"""Graph + Recipe + Board -> Plan: where every byte lies and what a step costs."""
