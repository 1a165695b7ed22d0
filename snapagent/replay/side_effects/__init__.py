"""Side effects: calls below the function under test, recorded once in a test process and served afterwards."""
