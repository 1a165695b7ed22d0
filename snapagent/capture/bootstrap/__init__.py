"""On the path of programs started by `snapagent run`: only its `sitecustomize` is used, never as part of a package."""
