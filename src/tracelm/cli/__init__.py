"""The command line: `tracelm`."""
