"""The YAML file and the environment variables, read into frozen settings. The only home of yaml."""
