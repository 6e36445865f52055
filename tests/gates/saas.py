"""The second stack: the examples' SaaS on Django at other ports. Its containers are replaced where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.stack import HERE, Stack, said

from .stacks import BUILDS

EXAMPLE = HERE / "saas-django"
OLD, NEW = "2026.11.3", "2026.12.0"
MOVED = {
    "127.0.0.1:184": "127.0.0.1:187",
    "container_name: saas": "container_name: gates-saas",
    f"image: saas-django:{OLD}": f"image: ${{IMAGE-gates-saas-django:{OLD}}}",
    f"VERSION: {OLD}": f"VERSION: ${{RELEASE-{OLD}}}",
    "scale: 3": "scale: 2",
    "scale: 5": "scale: 2",
}
"""What differs from the example's Compose file: both can run on one machine, and a deploy can say its release."""
RELEASED = ("backend", "celery")


class Saas(Stack):
    """The SaaS, with two backends and two workers."""

    @property
    def folder(self) -> Path:
        """Where its inventory and its faulty builds are."""
        return BUILDS / "saas-django"

    @property
    def has_services(self) -> bool:
        """Its Compose file is the example's."""
        return True

    def compose(self, *arguments: str) -> str:
        """Run a Compose command."""
        return self.released((), *arguments)

    def released(self, settings: tuple[str, ...], *arguments: str) -> str:
        """Run a Compose command with these variables."""
        changes = " ".join(f"-e 's|{old}|{new}|'" for old, new in MOVED.items())
        script = f'cd {EXAMPLE} && sed {changes} compose.yml | docker-compose -p {self.name} -f - "$@"'
        return said(["env", *settings, "sh", "-euc", script, "sh", *arguments])

    def built(self, fault: str) -> tuple[str, ...]:
        """Build a release with a fault, and return the variables by which it is deployed."""
        image = f"gates-saas-django:{NEW}-{fault.replace('_', '-')}"
        said(["docker", "build", "-q", "--build-arg", f"FAULT={fault}", "-t", image, str(self.folder)])
        return (f"IMAGE={image}", f"RELEASE={NEW}")

    def deploy(self, fault: str = "none", *, to_all: bool = True) -> None:
        """Replace the backends and the workers by a release; else only one of the backends."""
        settings = self.built(fault)
        up = ("up", "-d", "-t", "1", "--no-build", "--no-deps")
        if to_all:
            self.released(settings, *up, *RELEASED)
            return
        said(["docker", "rm", "-f", self.containers("backend")[0]])
        self.released(settings, *up, "--no-recreate", "backend")

    def reset(self) -> None:
        """Be as before any deploy."""
        self.compose("up", "-d", "-t", "1", "--no-build", "--no-deps", *RELEASED)
        self.wait(*RELEASED)


@contextmanager
def saas() -> Iterator[Saas]:
    """Run the SaaS while the block lasts."""
    stack = Saas("gates-saas-django")
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
