"""The command line: parses options, calls the session, prints, and maps errors to exit codes."""
