"""The conformance suites for plug-ins of other packages, one function for each kind.

    from edgekit.testing import check_pass

    def test_my_pass() -> None:
        check_pass(MyPass(strength=0.5))

EdgeKit's own plug-ins are held to the same functions. Each raises an AssertionError whose sentence says what is broken;
none needs a test framework.
"""

from __future__ import annotations

from edgekit.testing.exporters import check_exporter
from edgekit.testing.networks import check_network
from edgekit.testing.passes import check_pass
from edgekit.testing.proxies import check_proxy
from edgekit.testing.runtimes import check_runtime
from edgekit.testing.samplers import check_sampler
from edgekit.testing.sources import check_source
from edgekit.testing.targets import check_target

__all__ = [
    "check_exporter",
    "check_network",
    "check_pass",
    "check_proxy",
    "check_runtime",
    "check_sampler",
    "check_source",
    "check_target",
]
