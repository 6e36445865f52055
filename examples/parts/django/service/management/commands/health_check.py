"""`manage.py health_check`: exits with 0 where the database answers; `--detailed` asks all the others too."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from service import status


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--detailed", action="store_true")

    def handle(self, *, detailed: bool, **_said: object) -> None:
        found = status.services() if detailed else {"database": "healthy" if status.database() else "unhealthy"}
        for name, state in found.items():
            self.stdout.write(f"{name}: {state}")
        if "unhealthy" in found.values():
            raise CommandError("not all is well")
