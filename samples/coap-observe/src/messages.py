"""CoAP messages as the gateway's coap formatter reads and writes them: bytes are base64."""

import base64
from enum import IntEnum

CONFIRMABLE, NON_CONFIRMABLE, ACKNOWLEDGEMENT, RESET = range(4)


class Option(IntEnum):
    URI_HOST = 3
    OBSERVE = 6
    URI_PORT = 7
    URI_PATH = 11
    CONTENT_FORMAT = 12
    URI_QUERY = 15
    ACCEPT = 17


def options_of(message):
    """The values of each number, in their order."""
    values = {}
    for entry in message["Options"]:
        values.setdefault(entry["Number"], []).append(base64.b64decode(entry["Value"]))
    return values


def option(number, value):
    """Numbers have as few bytes as possible, and zero has none."""
    return {"Number": int(number), "Value": to_base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))}


def number_of(value):
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value


def reset(message):
    return {"Type": RESET, "Code": "0.00", "MessageId": message["MessageId"]}


def to_base64(value):
    return base64.b64encode(value).decode()
