"""The answering function as it is, except that it may send to a loopback address instead of S3."""

import http.client
import os
import sys

sys.path.insert(0, os.environ["ANSWERING_FUNCTION"])
import answering_function

answering_function.is_cloudformations = lambda address, region: address.hostname == "127.0.0.1"
answering_function.connect = lambda address: http.client.HTTPConnection(address.netloc, timeout=10)
handler = answering_function.handler
