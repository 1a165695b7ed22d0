"""On the path of programs started by `snapagent init --watch`: only its `sitecustomize` is used, never as a package."""
