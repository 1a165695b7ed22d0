"""One object store, through obstore: create, read, list and delete objects, with failures told apart.

Why it looks as it does, all of it measured with obstore 0.12:

* Only the blocking calls, in threads: processes that used the asynchronous ones aborted when they ended.
* No retries of obstore's own: ten of them are used up in less than two seconds, and after a lost answer the repeated
  request finds the object of the first one. `patience.py` retries.
* A create that finds an object and one that lost a race (409, nothing may be stored) raise the same exception; only
  the text tells 412 from 409.
* Its messages hold whole URLs, which for some services contain a signature. None of them reaches a person.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..core.records import Record
from .failures import NoBucket, ObjectGone, Overloaded, Refused, RemoteError, RemoteUrlError, Unavailable
from .keys import LAYOUT, Key, parse_key
from .urls import RemoteUrl

if TYPE_CHECKING:
    from obstore.store import ObjectStore

TIMEOUT = 10.0  # seconds for a request that carries little
_SLOWEST = 256 * 1024  # bytes a second: what a larger object may take longer for
_PAGE = 1000  # entries: what a LIST returns at most
_CONNECT = 5.0  # seconds
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_INSTANCE_ROLE = (
    "169.254.169.254",
    "metadata.google.internal",
    "169.254.170.2",
    "/latest/api/token",
    "/latest/meta-data",
)
_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use an instance role",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or use a service account",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and a key, or use a managed identity",
    "file": "give this user access to the folder",
}
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
_PASSING = frozenset({408, 409, 412, 429})  # statuses from 400 on that another try may not meet
_CLOCKS = frozenset({"RequestTimeTooSkewed", "RequestExpired"})


class Found(Record):
    """An object as a LIST shows it: `size` in bytes, `modified` in seconds since the epoch by the server's clock."""

    key: Key
    size: int
    modified: float


class Traffic(Record):
    """What was asked of the object store so far; `received` and `sent` are bytes of objects."""

    lists: int = 0
    gets: int = 0
    puts: int = 0
    deletes: int = 0
    received: int = 0
    sent: int = 0


class Objects:
    """The objects under a URL. All methods may be called from several threads, and raise RemoteError."""

    def __init__(self, url: RemoteUrl, *, make: bool = False, timeout: float = TIMEOUT) -> None:
        """`make`: a folder that is not there is made; buckets never are. Raises RemoteUrlError without obstore."""
        if find_spec("obstore") is None:
            raise RemoteUrlError("URLs need obstore, which is not installed", "pip install 'snapagent[remote]'")
        if url.scheme == "file" and not make and not os.path.isdir(url.prefix):
            raise NoBucket(f"there is no folder {url.prefix}")
        self.url = url
        self._make = make
        self._timeout = timeout
        self._stores: dict[float, ObjectStore] = {}
        self._lock = Lock()
        self.traffic = Traffic()

    def create(self, key: Key, data: bytes) -> bool:
        """Store an object. False when there was one of this key already: keys are unique, so it is the same one.

        Raises Unavailable where it is not certain that the object is stored.
        """
        self._count(puts=1, sent=len(data))
        try:
            self._store(len(data)).put(key.path, data, mode="create", use_multipart=False)
        except Exception as error:
            if self._says_exists(error):
                return False
            raise self._failure(error, "write") from error
        return True

    def _says_exists(self, error: Exception) -> bool:
        """True when the object was there. 409 says so for Azure only; elsewhere a race was lost, nothing stored."""
        if type(error).__name__ != "AlreadyExistsError":
            return False
        if self.url.scheme == "file" or _status(error) == 412:
            return True
        return self.url.scheme == "az" and "<Code>BlobAlreadyExists</Code>" in str(error)

    def read(self, found: Found) -> bytes:
        """A whole object. Raises ObjectGone."""
        self._count(gets=1)
        try:
            data = bytes(self._store(found.size).get(found.key.path).bytes())
        except Exception as error:
            raise self._failure(error, "read") from error
        self._count(received=len(data))
        return data

    def start(self, found: Found, length: int) -> bytes:
        """The first bytes of an object. Raises ObjectGone."""
        self._count(gets=1)
        try:
            data = bytes(self._store(length).get_range(found.key.path, start=0, length=min(length, found.size)))
        except Exception as error:
            raise self._failure(error, "read") from error
        self._count(received=len(data))
        return data

    def folders(self) -> list[str]:
        """The folders of functions, by name."""
        self._count(lists=1)
        try:
            found = self._store(0).list_with_delimiter(LAYOUT)
        except Exception as error:
            raise self._failure(error, "list") from error
        return sorted(path.rpartition("/")[2] for path in found["common_prefixes"])

    def pages(self, folder: str, after: Key | None = None) -> Iterator[list[Found]]:
        """The bundles of a function, the newest first, in pages of up to 1,000; other objects are left out.

        A page is asked for when the iterator gets there. `after`: only those behind this key.
        """
        listing = self._store(0).list(f"{LAYOUT}/{folder}", offset=after.path if after else None, chunk_size=_PAGE)
        if self.url.scheme == "file":  # a folder is not listed in order
            entries = [entry for page in self._listed(listing) for entry in page]
            yield self._found(folder, sorted(entries, key=lambda entry: str(entry["path"])))
            return
        for page in self._listed(listing):
            yield self._found(folder, page)

    def _listed(self, listing: Any) -> Iterator[Sequence[Mapping[str, Any]]]:
        pages = iter(listing)
        while True:
            self._count(lists=1)
            try:
                page = next(pages)
            except StopIteration:
                return
            except Exception as error:
                raise self._failure(error, "list") from error
            yield page
            if len(page) < _PAGE and self.url.scheme != "file":
                return  # without asking once more what follows

    def _found(self, folder: str, page: Sequence[Mapping[str, Any]]) -> list[Found]:
        start = f"{LAYOUT}/{folder}/"
        found = []
        for entry in page:
            key = parse_key(folder, entry["path"].removeprefix(start))
            if key is not None:
                found.append(Found(key, entry["size"], entry["last_modified"].timestamp()))
        return found

    def delete(self, keys: Sequence[Key]) -> None:
        """Remove objects; those that are gone already are no failure. At most 1,000 at once."""
        self._count(deletes=1)
        try:
            self._store(0).delete([key.path for key in keys])
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._failure(error, "delete") from error

    def _count(self, **more: int) -> None:
        with self._lock:
            self.traffic = self.traffic.replace(**{name: getattr(self.traffic, name) + n for name, n in more.items()})

    def _store(self, size: int) -> ObjectStore:
        """The client for objects of this size: a timeout belongs to a client, and holds for a whole request."""
        timeout = self._timeout
        while size > timeout * _SLOWEST:
            timeout *= 2
        with self._lock:
            if timeout not in self._stores:
                self._stores[timeout] = self._opened(timeout)
            return self._stores[timeout]

    def _opened(self, timeout: float) -> ObjectStore:
        from datetime import timedelta

        from obstore.store import from_url

        url = self.url
        try:
            if url.scheme == "file":
                from obstore.store import LocalStore

                return LocalStore(url.prefix, mkdir=self._make)
            return from_url(
                str(url),
                client_options={  # http is only used where the endpoint in the environment says so
                    "allow_http": True,
                    "timeout": timedelta(seconds=timeout),
                    "connect_timeout": timedelta(seconds=min(_CONNECT, timeout)),
                },
                retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=timeout)},
            )
        except Exception as error:
            raise Refused(f"{url.scheme}:// cannot be set up", _CREDENTIALS[url.scheme]) from error

    def _failure(self, error: Exception, what: str) -> Exception:
        """The failure in our words. `what` was to be done: read, write, list or delete."""
        if isinstance(error, RemoteError):
            return error
        text, status = str(error), _status(error)
        if any(words in text for words in _NO_BUCKET):
            return self._no_bucket()
        if isinstance(error, FileNotFoundError) or status == 404:
            return self._no_bucket() if what in ("write", "list") else ObjectGone()
        code = _CODE.search(text)
        reason = " ".join(filter(None, (str(status or ""), code[1] if code else ""))) or "no answer"
        refusal = self._refusal(error, status, code[1] if code else "", f"{what} here ({reason})")
        if refusal is not None:
            return refusal
        if status in (429, 503):
            return Overloaded(f"the object store is busy ({reason})")
        if self.url.scheme == "file":
            return Unavailable(f"{self.url.prefix} cannot be used ({type(error).__name__})")
        return Unavailable(
            f"the object store did not {what} it ({reason})" if status else "the object store cannot be reached"
        )

    def _refusal(self, error: Exception, status: int | None, code: str, what: str) -> Refused | None:
        """What waiting cannot mend, when it is that."""
        text, remedy = str(error), _CREDENTIALS[self.url.scheme]
        if any(host in text.partition("Debug source")[0] for host in _INSTANCE_ROLE):
            return Refused("no credentials were found", remedy)
        if code in _CLOCKS:
            return Refused("the clock of this machine is wrong, says the object store", "set it")
        if isinstance(error, PermissionError) or "(os error 13)" in text or status in (401, 403):
            return Refused(f"these credentials may not {what}", remedy)
        if "redirect" in text and status is None:
            return Refused("the bucket is in another region", "set AWS_REGION")
        if status is not None and 400 <= status < 500 and status not in _PASSING:
            return Refused(f"the object store refuses to {what}", remedy)
        return None

    def _no_bucket(self) -> NoBucket:
        place = f"folder {self.url.prefix}" if self.url.scheme == "file" else f"bucket {self.url.bucket!r}"
        return NoBucket(f"there is no {place}")


def _status(error: Exception) -> int | None:
    found = _STATUS.search(str(error))
    return int(found[1]) if found is not None else None
