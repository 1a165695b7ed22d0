"""Calls of requests. Each function is a target; `main` calls them."""

import contextlib

import requests


def cookies(url):
    s = requests.Session()
    s.get(url + "/login")
    r = s.get(url + "/me")
    return r.json(), sorted(s.cookies.items()), sorted(r.request.headers.get("Cookie", "").split("; "))


def redirects(url):
    s = requests.Session()
    r = s.get(url + "/moved", params={"b": 2, "a": 1})
    return r.json(), [x.status_code for x in r.history], r.url.replace(url, ""), sorted(s.cookies.items())


def streamed(url):
    with requests.get(url + "/lines", stream=True) as r:
        return list(r.iter_lines())


def partly(url):
    with requests.get(url + "/lines", stream=True) as r:
        return next(r.iter_content(2))


def raw(url):
    r = requests.get(url + "/lines", stream=True)
    return r.raw.read(3), r.raw.read()


def chunked(url):
    return requests.get(url + "/chunked").content


def gz(url):
    r = requests.get(url + "/gzip")
    return r.json(), r.headers["content-encoding"]


def gone(url):
    r = requests.get(url + "/gone")
    try:
        r.raise_for_status()
    except requests.HTTPError as e:
        return e.response.status_code, r.reason, r.ok


def refused(port):
    try:
        requests.get("http://127.0.0.1:1/", timeout=1)
    except requests.ConnectionError as e:
        return type(e).__name__


def refused_raises(port):
    requests.get("http://127.0.0.1:1/", timeout=1)


def upload(url):
    return requests.post(url + "/up", files={"f": ("a.txt", b"hello")}).status_code


def form(url):
    return requests.post(url + "/f", data={"b": "1", "a": "2"}, auth=("u", "pw")).json()


def head(url):
    return requests.head(url + "/h").headers["content-length"]


def whole(url):
    return requests.get(url + "/item/1")


def hooks(url):
    seen = []
    requests.get(url + "/i", hooks={"response": lambda r, *a, **k: seen.append(r.status_code)})
    return seen


class Gateway:
    def __init__(self, url):
        self.url = url
        self.session = requests.Session()
        self.session.headers["X-Me"] = "1"

    def stock(self, sku):
        return self.session.get(f"{self.url}/stock/{sku}").json()

    def login(self):
        self.session.get(self.url + "/login")
        return sorted(self.session.cookies.items())


_session = requests.Session()


def module_session(url):
    return _session.get(url + "/x").json()


def main(url):
    for f in (
        cookies,
        redirects,
        streamed,
        partly,
        raw,
        chunked,
        gz,
        gone,
        upload,
        form,
        head,
        whole,
        hooks,
        module_session,
    ):
        f(url)
    refused(1)
    with contextlib.suppress(requests.ConnectionError):
        refused_raises(1)
    g = Gateway(url)
    g.stock("a")
    g.login()
    g.stock("b")
