from snapagent import install

install()
