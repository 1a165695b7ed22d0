"""Reading the source of the program, without importing it: functions, side effects, test files."""
