"""Pages in one HTML file: what a store holds, and what a replay found. Made from headers; nothing is unpickled."""
