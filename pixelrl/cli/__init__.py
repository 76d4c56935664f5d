"""The command line: words to verbs, errors to one line."""
