"""Who observes the time. A client may do so several times, with different tokens."""

import json
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Observer:
    client: str
    token: str
    address: dict
    unconfirmed: int = 0
    message_id: int = -1


class ObserversInMemory:
    """Knows what this process was told; enough where there is one process."""

    def __init__(self):
        self._observers = {}

    def add(self, client, token, address):
        self._observers[client, token] = Observer(client, token, address)

    def remove(self, client, token):
        self._observers.pop((client, token), None)

    def read(self):
        return list(self._observers.values())

    def expect(self, observer, message_id):
        """Notes that a notification goes out. False if the observer has left meanwhile."""
        key = observer.client, observer.token
        if key in self._observers:
            self._observers[key] = replace(observer, unconfirmed=observer.unconfirmed + 1, message_id=message_id)
        return key in self._observers

    def confirm(self, client, message_id):
        for observer in self._notified_by(client, message_id):
            self._observers[observer.client, observer.token] = replace(observer, unconfirmed=0)

    def reject(self, client, message_id):
        for observer in self._notified_by(client, message_id):
            self.remove(observer.client, observer.token)

    def _notified_by(self, client, message_id):
        return [observer for observer in self.read() if (observer.client, observer.message_id) == (client, message_id)]


class ObserversInTable:
    """The same in DynamoDB, for any number of processes: an item per client and token."""

    def __init__(self, table):
        import boto3

        self._table = boto3.resource("dynamodb").Table(table)
        self._missing = self._table.meta.client.exceptions.ConditionalCheckFailedException

    def add(self, client, token, address):
        self._table.put_item(Item={**self._key(client, token), "Token": token, "Address": json.dumps(address), "Unconfirmed": 0, "MessageId": -1})

    def remove(self, client, token):
        self._table.delete_item(Key=self._key(client, token))

    def read(self):
        yield from self._pages(self._table.scan)

    def expect(self, observer, message_id):
        return self._change(
            observer.client, observer.token, "SET MessageId = :id, Unconfirmed = Unconfirmed + :one", "attribute_exists(Client)", {":id": message_id, ":one": 1}
        )

    def confirm(self, client, message_id):
        for observer in self._notified_by(client, message_id):
            self._change(client, observer.token, "SET Unconfirmed = :none", "MessageId = :id", {":id": message_id, ":none": 0})

    def reject(self, client, message_id):
        for observer in self._notified_by(client, message_id):
            self.remove(client, observer.token)

    def _notified_by(self, client, message_id):
        query = {"KeyConditionExpression": "Client = :client", "ExpressionAttributeValues": {":client": client}, "ConsistentRead": True}
        return [observer for observer in self._pages(self._table.query, **query) if observer.message_id == message_id]

    def _change(self, client, token, update, condition, values):
        try:
            self._table.update_item(
                Key=self._key(client, token), UpdateExpression=update, ConditionExpression=condition, ExpressionAttributeValues=values
            )
            return True
        except self._missing:
            return False

    @staticmethod
    def _pages(ask, **arguments):
        while True:
            page = ask(**arguments)
            for item in page["Items"]:
                yield Observer(item["Client"], item["Token"], json.loads(item["Address"]), int(item["Unconfirmed"]), int(item["MessageId"]))
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    @staticmethod
    def _key(client, token):
        # A token may have no bytes, a key must have some.
        return {"Client": client, "Observation": f"/time {token}"}
