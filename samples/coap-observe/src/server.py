"""A CoAP server for /time and /.well-known/core (RFC 7252, RFC 6690), whose /time can be observed (RFC 7641)."""

import json
import os
import secrets
from datetime import datetime, timezone

import messages
from messages import ACKNOWLEDGEMENT, CONFIRMABLE, NON_CONFIRMABLE, RESET, Option
from observers import ObserversInMemory, ObserversInTable

LINKS = b'</time>;obs;rt="time";ct=0'
TEXT, LINK_FORMAT = 0, 40

# Options that a server must understand or refuse have odd numbers. Those of the host name it; there is one here.
UNDERSTOOD = {Option.URI_HOST, Option.URI_PORT, Option.URI_PATH, Option.URI_QUERY, Option.ACCEPT}

# A notification takes the place of the former one, so that nothing has to be repeated; who confirms none of three is gone.
MAX_UNCONFIRMED = 3

RECIPIENTS_PER_MESSAGE = 200

observers = ObserversInTable(os.environ["TABLE"]) if os.environ["KEEP_OBSERVERS_IN"] == "table" else ObserversInMemory()


def handler(event, context):
    if "Messages" not in event:
        return notify()
    replies = []
    for packet in event["Messages"]:
        response = answer(packet, json.loads(packet["Data"]))
        if response is not None:
            replies.append({"Tag": packet["Tag"], "Data": json.dumps(response)})
    return {"Replies": replies}


def answer(packet, message):
    """What goes back for any CoAP message: a response, or a reset, or nothing."""
    kind, code = message["Type"], message["Code"]
    if kind == ACKNOWLEDGEMENT:
        return observers.confirm(client_of(packet), message["MessageId"])
    if kind == RESET:
        return observers.reject(client_of(packet), message["MessageId"])
    if not 1 <= code < 32:
        # No request: a ping, or something for a client.
        return messages.reset(message) if kind == CONFIRMABLE else None
    response = respond(packet, message)
    if kind == CONFIRMABLE:
        return {**response, "Type": ACKNOWLEDGEMENT, "MessageId": message["MessageId"], "Token": message["Token"]}
    return {**response, "Type": NON_CONFIRMABLE, "MessageId": secrets.randbits(16), "Token": message["Token"]}


def respond(packet, request):
    options = messages.options_of(request)
    if any(number % 2 == 1 and number not in UNDERSTOOD for number in options):
        return {"Code": "4.02"}
    if request["Path"] not in ("/time", "/.well-known/core"):
        return {"Code": "4.04"}
    if request.get("Method") != "GET":
        return {"Code": "4.05"}
    media = TEXT if request["Path"] == "/time" else LINK_FORMAT
    if messages.number_of(options.get(Option.ACCEPT, [media])[0]) != media:
        return {"Code": "4.06"}
    if request["Path"] != "/time":
        return content(LINKS, LINK_FORMAT)

    match messages.number_of(options.get(Option.OBSERVE, [None])[0]):
        case 0:
            observers.add(client_of(packet), request["Token"], address_of(packet))
            return the_time(observed=True)
        case 1:
            observers.remove(client_of(packet), request["Token"])
    return the_time(observed=False)


def notify():
    """Sends every observer the time, through the listener's port."""
    import boto3

    topic = boto3.client("sns")
    packets = {}
    for observer in observers.read():
        if observer.unconfirmed >= MAX_UNCONFIRMED:
            observers.remove(observer.client, observer.token)
            continue
        message_id = secrets.randbits(16)
        if not observers.expect(observer, message_id):
            continue
        notification = {**the_time(observed=True), "Type": CONFIRMABLE, "MessageId": message_id, "Token": observer.token}
        packet = {"Data": json.dumps(notification), "Formatter": "coap", "Remote": observer.address["Remote"], "Inner": observer.address["Inner"]}
        packets.setdefault(observer.address["Region"], []).append(packet)
    for region, all_packets in packets.items():
        for start in range(0, len(all_packets), RECIPIENTS_PER_MESSAGE):
            topic.publish(
                TopicArn=os.environ["TOPIC"],
                Message=json.dumps({"Messages": all_packets[start : start + RECIPIENTS_PER_MESSAGE]}),
                MessageAttributes={"EgressRegion": {"DataType": "String", "StringValue": region}},
            )
    return {"Notified": sum(map(len, packets.values()))}


def the_time(observed):
    now = datetime.now(timezone.utc)
    response = content(now.isoformat(timespec="seconds").encode(), TEXT)
    if observed:
        # RFC 7641 §4.4 allows a clock: 24 bits of milliseconds come round after four and a half hours.
        response["Options"].append(messages.option(Option.OBSERVE, int(now.timestamp() * 1000) % 2**24))
    return response


def content(payload, media):
    return {"Code": "2.05", "Options": [messages.option(Option.CONTENT_FORMAT, media)], "Payload": messages.to_base64(payload)}


def client_of(packet):
    """Who it is: by the key where there is one, else by the address, which anybody can write on a packet."""
    remote = packet["Remote"]
    return remote.get("PeerKey") or f"{remote['IpAddress']} {remote['Port']}"


def address_of(packet):
    """What a packet source needs to reach the client again."""
    remote = packet["Remote"]
    return {
        "Remote": {"Address": remote["IpAddress"], "Port": remote["Port"], "PeerKey": remote.get("PeerKey", "")},
        "Inner": packet.get("Inner"),
        "Region": packet["IngressRegion"],
    }
