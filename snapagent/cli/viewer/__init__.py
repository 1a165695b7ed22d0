"""The full-screen viewer. textual has its home here; `view_command` imports this folder when it is used."""
