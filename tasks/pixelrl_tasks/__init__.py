"""The built-in tasks: plugins like anyone's, found through the same entry points."""
