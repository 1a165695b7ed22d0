"""The full-screen viewer. Only this folder uses textual; `view_command` imports it on use."""
