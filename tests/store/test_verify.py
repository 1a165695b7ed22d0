from __future__ import annotations

import os
from pathlib import Path

from storing import TARGET, publish, publish_many

from snapagent.store import Counts, Store


def found(store: Store) -> dict[str, str]:
    return {os.path.basename(problem.path): problem.kind for problem in store.verify()}


def test_a_healthy_store_has_no_problems(store: Store) -> None:
    entries = publish_many(store, 3)
    store.pin(entries[0])
    store.promote(TARGET, entries[:1])
    store.update(TARGET, Counts(3, 3))
    store.write_pending_counts(TARGET, Counts(1, 0, {"quota_met": 1}))
    os.makedirs(f"{store.base_path}/side_effects/tests")

    assert list(store.verify()) == []
    assert list(Store(f"{store.base_path}/nowhere").verify()) == []


def test_each_problem_is_named_and_none_hides_another(store: Store, tmp_path: Path) -> None:
    folder = Path(store.folder(TARGET))
    good, torn, writable = publish_many(store, 3)
    Path(torn.path).write_bytes(b"")
    os.chmod(writable.path, 0o666)
    for name in ("notes.txt", ".tmp-new", ".tmp-old", good.name.replace("-1-", "-9-") + ".pin"):
        (folder / name).write_text("")
    os.utime(folder / ".tmp-old", (0, 0))
    os.mkfifo(folder / "pipe")
    (folder / good.name.replace("-1-", "-8-")).symlink_to(good.path)
    (folder / "index.json").write_text("{")
    os.symlink(tmp_path, Path(store.base_path) / "shop.linked")
    Path(store.base_path, "stray.pkl").write_text("")

    assert found(store) == {
        torn.name: "corrupt",
        writable.name: "untrusted",
        "notes.txt": "foreign",
        ".tmp-old": "orphan",
        good.name.replace("-1-", "-9-") + ".pin": "orphan",
        "pipe": "foreign",
        good.name.replace("-1-", "-8-"): "foreign",
        "index.json": "broken_index",
        "shop.linked": "foreign",
        "stray.pkl": "foreign",
    }


def test_a_bundle_under_another_function_is_misplaced(store: Store) -> None:
    entry = publish(store, target="shop:quote")
    os.makedirs(store.folder("shop:other"), 0o700)
    os.rename(entry.path, f"{store.folder('shop:other')}/{entry.name}")

    assert found(store) == {entry.name: "misplaced"}


def test_orphans_are_gone_after_a_sweep(store: Store) -> None:
    publish(store)
    for path in (store.base_path, store.folder(TARGET)):
        Path(path, ".tmp-x").write_text("")
        os.utime(Path(path, ".tmp-x"), (0, 0))
    assert set(found(store).values()) == {"orphan"}

    assert store.sweep() == 2

    assert found(store) == {}
