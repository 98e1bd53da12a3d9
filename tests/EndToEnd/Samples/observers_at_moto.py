"""Makes the table of the sample coap-observe at a moto server, as its template declares it; prints its ARN.

URL TABLE
"""

import json
import sys

import boto3


def main(url, table):
    dynamodb = boto3.client("dynamodb", endpoint_url=url, region_name="us-west-2", aws_access_key_id="any", aws_secret_access_key="any")
    made = dynamodb.create_table(
        TableName=table, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Client", "AttributeType": "S"}, {"AttributeName": "Observation", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Client", "KeyType": "HASH"}, {"AttributeName": "Observation", "KeyType": "RANGE"}])
    print(json.dumps(made["TableDescription"]["TableArn"]))


main(*sys.argv[1:])
