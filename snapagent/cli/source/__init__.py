"""Static analysis: parse the program's source, without importing it, to find targets and to generate tests."""
