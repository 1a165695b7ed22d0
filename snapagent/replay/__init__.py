"""The test half: lives inside a test process, and never imports the half that captures."""
