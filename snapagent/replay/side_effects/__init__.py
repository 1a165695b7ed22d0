"""Side effects: calls below the function under test, recorded once and served afterwards."""
