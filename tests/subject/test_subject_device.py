"""On another device than the CPU the same comes out."""

import sys
from pathlib import Path

import pytest
from children import ENVIRONMENT, carried_out
from tiny_world import World

SCRIPT = Path(__file__).with_name("other_device.py")


@pytest.mark.usefixtures("third_parties")
def test_on_a_device_that_is_not_the_cpu(world: World, tmp_path: Path) -> None:
    """Encoders, a harvest, an appraisal and training give what the CPU gives; tensors of both are never mixed."""
    carried_out([sys.executable, str(SCRIPT), str(world.root), str(tmp_path)], environment=ENVIRONMENT)
