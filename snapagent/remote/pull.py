"""`pull`: the newest calls of a whole fleet into a folder of captures, each checked before it is there.

Pulled files belong to whoever pulls, so that `trust: owner` would accept a stranger's pickle: by default a signature is
required here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress

from ..bundle import BundleFile, SigningKey, decode
from ..core.records import Record
from ..errors import CorruptBundleError
from ..store import files
from ..store.bundle_files import read_header
from ..store.failures import PERSISTENT, StoreFailure
from ..store.layout import bundle_names
from .failures import ObjectGone, Unavailable
from .keys import key_of, misfit
from .objects import Found
from .patience import FIRST, PATIENCE, Result, patiently
from .select import Selection, Wanted
from .sources import Source, pages_of

LANDED, PRESENT, KNOWN, REFUSED, GONE, WOULD = "landed", "present", "known", "refused", "gone", "would_land"
THREADS = 16
LARGEST = 256 * 1024 * 1024  # bytes: larger objects are refused
_MOST_REFUSED = 20  # objects of one function: the others will be of the same origin


class PullOptions(Record):
    """`signed`: a signature by one of the keys is required. `novel`: calls that the folder has are left out."""

    wanted: Wanted = Wanted()
    signed: bool = True
    novel: bool = False
    dry_run: bool = False
    patience: float = PATIENCE
    first_wait: float = FIRST


class Pulled(Record):
    """What became of one object.

    `result`: `landed`, `present` (the same file is here), `known` (an equal call is here), `refused` (`reason` says
    why), `gone` (deleted meanwhile) or `would_land`.
    """

    folder: str
    name: str
    kind: str
    hash: str
    size: int
    result: str
    reason: str = ""
    path: str = ""


class Pull:
    """From one source into the store under `base_path`."""

    def __init__(
        self, source: Source, base_path: str, keys: Sequence[SigningKey] = (), options: PullOptions | None = None
    ) -> None:
        self._source = source
        self._base_path = base_path
        self._keys = keys
        self._options = options or PullOptions()
        self.cut: list[str] = []  # functions of which not all pages were read

    def folders(self) -> list[str]:
        """The functions that the source has. Raises RemoteError."""
        return self._patiently(self._source.folders)

    def run(self, folders: Sequence[str], done: Callable[[], None] = lambda: None) -> Iterator[Pulled]:
        """Pull from these functions, several at a time; `done` is called after each. Raises RemoteError."""
        with ThreadPoolExecutor(THREADS) as threads:
            try:
                running = [threads.submit(self._pull, folder) for folder in folders]
                for one in as_completed(running):
                    yield from one.result()
                    done()
            finally:
                threads.shutdown(cancel_futures=True)

    def _pull(self, folder: str) -> list[Pulled]:
        known = self._known_calls(folder) if self._options.novel else frozenset()
        pages = pages_of(self._source, folder, self._options.patience, first=self._options.first_wait)
        selection = Selection(pages, self._options.wanted)
        results: list[Pulled] = []
        refused = 0
        for found in selection:
            pulled = self._one(found, found.key.call in known)
            results.append(pulled)
            if pulled.result in (LANDED, PRESENT, KNOWN, WOULD):
                selection.took(found.key)
            refused += pulled.result == REFUSED
            if refused >= _MOST_REFUSED:
                break
        if selection.is_cut:
            self.cut.append(folder)
        return results

    def _known_calls(self, folder: str) -> frozenset[tuple[str, str]]:
        """Outcome kind and hash of each bundle that is here."""
        path = f"{self._base_path}/{folder}"
        calls = set()
        with suppress(OSError), files.opened_folder(path) as opened:
            for name in bundle_names(os.listdir(opened)):
                with suppress(OSError, CorruptBundleError):
                    calls.add(key_of(read_header(opened, name, f"{path}/{name}")[0], name).call)
        return frozenset(calls)

    def _one(self, found: Found, is_known: bool) -> Pulled:
        key = found.key
        path = f"{self._base_path}/{key.folder}/{key.name}"
        pulled = Pulled(key.folder, key.name, key.kind, key.digits, found.size, WOULD, path=path)
        if is_known:
            return pulled.replace(result=KNOWN)
        if self._options.dry_run:
            return pulled.replace(result=PRESENT if os.path.lexists(path) else WOULD)
        if found.size > LARGEST:
            return pulled.replace(result=REFUSED, reason=f"it has {found.size} bytes, more than {LARGEST}")
        try:
            data = self._patiently(lambda: self._source.read(found))
        except ObjectGone:
            return pulled.replace(result=GONE)
        except Unavailable as error:
            return pulled.replace(result=REFUSED, reason=str(error))
        try:
            bundle = decode(data, f"{self._source.url}/{key.path}")
        except CorruptBundleError as error:
            return pulled.replace(result=REFUSED, reason=error.reason)
        reason = self._objection(found, bundle)
        if reason is not None:
            return pulled.replace(result=REFUSED, reason=reason)
        return self._publish(pulled, data)

    def _objection(self, found: Found, bundle: BundleFile) -> str | None:
        key = found.key
        reason = misfit(bundle.header, key.folder, key.name)
        if reason is None and key_of(bundle.header, key.name) != key:
            reason = "its key does not say what its header says"
        if reason is None and self._options.signed and not bundle.signed_by(self._keys):
            if bundle.mac == "-":
                return "it is not signed"
            if not self._keys:
                return "it is signed, and there is no key to check it with"
            return f"it is signed with key {bundle.mac[:8]!r}, which is not one of yours, or it was altered"
        return reason

    def _publish(self, pulled: Pulled, data: bytes) -> Pulled:
        try:
            with files.own_folder(os.path.dirname(pulled.path), make=True) as folder:
                try:
                    present, found = files.read_regular(pulled.name, len(data) + 1, folder=folder)
                except FileNotFoundError:
                    files.publish(folder, pulled.name, data, token=f"{os.urandom(4).hex()}-")
                    return pulled.replace(result=LANDED)
                if present == data and found.st_size == len(data):
                    return pulled.replace(result=PRESENT)
                return pulled.replace(result=REFUSED, reason=f"{pulled.path} is there already and is different")
        except OSError as error:
            failure = StoreFailure.of(error, pulled.path)
            if failure.reason in PERSISTENT:
                raise failure from error
            return pulled.replace(result=REFUSED, reason=f"{pulled.path} cannot be written ({error.strerror or error})")

    def _patiently(self, action: Callable[[], Result]) -> Result:
        return patiently(action, self._options.patience, first=self._options.first_wait)
