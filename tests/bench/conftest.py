import signal
from pathlib import Path

import pytest

# A suite that was started in the background ignores Ctrl-C, and so would every command it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TINY = """
question: Does it run?
dataset: {name: furnace, world: std, seed: 3, recordings: 12, hours: 0.8}
windows: {margin: 300}
seeds: 2
budget: {epochs: 2, windows: 256}
baseline: {optimizer: {name: adam, batch: 64}}
changes:
  cwcl: {contrast: cwcl}
controls: [no_pretraining]
"""


@pytest.fixture
def tiny(tmp_path) -> Path:
    """A study that trains for seconds."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory):
    """One cache of prepared data for all tests, none of the user's."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PRECURSOR_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()
