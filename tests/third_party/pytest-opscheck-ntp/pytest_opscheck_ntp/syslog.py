"""Alerts to a syslog server (RFC 5424), a datagram each."""

from __future__ import annotations

import socket

from pydantic import BaseModel, ConfigDict, Field

from pytest_opscheck import ChannelType, DeliveryError, Message

ALERT = 13 * 8 + 1


class Keys(BaseModel):
    """What [notify.NAME] says of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    server: str = Field(min_length=1)
    port: int = Field(default=514, ge=1, le=65535)


def send(keys: Keys, message: Message) -> None:
    """Send a datagram for each alert."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.connect((keys.server, keys.port))
            for document in message.documents:
                result = document["result"]
                udp.send(f"<{ALERT}>1 - - opscheck - - - {result['id']}: {result['message']}".encode())
    except OSError as error:
        raise DeliveryError(f"{keys.server} can't be reached: {error.strerror}; see its name and its port") from None


channel = ChannelType("syslog", keys=Keys, send=send, api=1)
