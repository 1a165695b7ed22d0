"""What the variables say, and where the config is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snapagent.bundle import SigningKey
from snapagent.config.environment import find_config, is_enabled, is_true, signing_keys, trust_policy
from snapagent.errors import ConfigError

ENABLED, ALIAS = "SNAPAGENT_CAPTURE_ENABLED", "SNAPY_CAPTURE_ENABLED"


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "Yes", "on", " on "])
def test_four_words_in_any_case_switch_capture_on(text):
    assert is_true(text)
    assert is_enabled({ENABLED: text})
    assert is_enabled({ALIAS: text})


@pytest.mark.parametrize("text", ["", "0", "false", "no", "off", "2", "enabled", "y", "truee", "on,off"])
def test_anything_else_leaves_it_off(text):
    assert not is_true(text)
    assert not is_enabled({ENABLED: text})


def test_nothing_said_is_off():
    assert not is_true(None)
    assert not is_enabled({})


def test_the_variable_goes_before_its_alias_unless_it_is_empty():
    assert not is_enabled({ENABLED: "0", ALIAS: "1"})
    assert is_enabled({ENABLED: "", ALIAS: "1"})


def test_the_config_is_the_variables_or_the_first_default_that_exists(tmp_path):
    assert find_config({}, str(tmp_path)) is None

    (tmp_path / "config").mkdir()
    second = tmp_path / "config" / "snapagent.yaml"
    second.touch()
    assert find_config({}, str(tmp_path)) == str(second)

    first = tmp_path / "snapagent.yaml"
    first.touch()
    assert find_config({}, str(tmp_path)) == str(first)
    assert find_config({"SNAPAGENT_CONFIG": ""}, str(tmp_path)) == str(first)
    assert find_config({"SNAPAGENT_CONFIG": "my/own.yaml"}, str(tmp_path)) == str(tmp_path / "my" / "own.yaml")
    assert find_config({"SNAPAGENT_CONFIG": "/etc/own.yaml"}, str(tmp_path)) == "/etc/own.yaml"


def test_a_folder_of_the_default_name_is_no_config(tmp_path):
    (tmp_path / "snapagent.yaml").mkdir()

    assert find_config({}, str(tmp_path)) is None


def key_file(folder: Path, text: bytes, mode: int = 0o600) -> dict[str, str]:
    path = folder / "keys"
    path.write_bytes(text)
    path.chmod(mode)
    return {"SNAPAGENT_KEY_FILE": str(path)}


def test_keys_come_in_order_the_first_one_signs(tmp_path):
    environ = {"SNAPAGENT_KEY": "new, old,,new", **key_file(tmp_path, b"# rotation\nfiled\n\r\n  older \nold\n")}

    secrets = [key.secret for key in signing_keys(environ)]

    assert secrets == [b"new", b"old", b"filed", b"older"]
    assert signing_keys({}) == ()
    assert signing_keys({"SNAPAGENT_KEY": " "}) == ()


def test_a_key_is_the_same_from_the_variable_and_from_the_file(tmp_path):
    (from_file,) = signing_keys(key_file(tmp_path, "gehéim\n".encode()))

    assert signing_keys({"SNAPAGENT_KEY": "gehéim"}) == (from_file,) == (SigningKey("gehéim".encode()),)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o777])
def test_a_key_file_that_others_may_open_is_refused_with_the_command_that_helps(tmp_path, mode):
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        signing_keys(key_file(tmp_path, b"secret-text\n", mode))

    assert "secret-text" not in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"\n \n", b"# only a comment\n"])
def test_a_key_file_without_a_key_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match="holds no key"):
        signing_keys(key_file(tmp_path, text))


def test_a_key_file_that_cannot_be_one_is_refused_and_never_waited_for(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    (tmp_path / "big").touch(0o600)
    os.truncate(tmp_path / "big", 10**6)

    for name, says in [("fifo", "regular"), (".", "regular"), ("none", "no such file"), ("big", "larger than")]:
        with pytest.raises(ConfigError, match=f"(?i){says}") as caught:
            signing_keys({"SNAPAGENT_KEY_FILE": str(tmp_path / name)})
        assert caught.value.key == "SNAPAGENT_KEY_FILE"


def test_asking_whether_capture_is_on_imports_nothing_but_os():
    code = (
        "import __future__, os, sys; before = set(sys.modules); from snapagent.config.environment import is_enabled;"
        "is_enabled(os.environ); print(sorted(set(sys.modules) - before))"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "['snapagent', 'snapagent.config', 'snapagent.config.environment']"


def test_what_may_be_loaded_is_configured_or_follows_from_the_keys():
    keys = signing_keys({"SNAPAGENT_KEY": "secret"})

    assert [trust_policy(None, ()), trust_policy(None, keys)] == ["owner", "signed"]
    assert [trust_policy("any", keys), trust_policy("owner", keys), trust_policy("signed", ())] == [
        "any",
        "owner",
        "signed",
    ]
