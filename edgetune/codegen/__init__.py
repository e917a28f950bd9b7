"""Plan -> C: tables and a straight list of calls; the logic stays in firmware/."""
