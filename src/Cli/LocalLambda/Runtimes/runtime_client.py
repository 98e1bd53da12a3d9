"""The process of a Python function: serves invocations from Lambda's Runtime API until its standard input ends.

Needs nothing but Python 3.8 and its standard library. The behaviour follows
https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html and the error documents of the managed runtimes.
"""

import decimal
import http.client
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback


def exit_with_parent():
    """Ends this process and what it started when the parent is gone, whatever killed it."""
    parent = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    own_group = hasattr(os, "setsid")
    if own_group:
        # Also keeps Ctrl-C, which reaches the terminal's whole foreground group, away from the function.
        os.setsid()
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        while os.read(parent, 4096):
            pass
        if own_group:
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class RuntimeApi:
    """One kept connection to the Runtime API."""

    def __init__(self, address):
        authority, _, environment = address.partition("/")
        self._connection = http.client.HTTPConnection(authority)
        self._root = "/" + environment + "/2018-06-01/runtime/"

    def next(self):
        return self._send("GET", "invocation/next", None, {})

    def respond(self, request_id, body):
        self._send("POST", "invocation/%s/response" % request_id, body, {"Content-Type": "application/json"})

    def fail(self, request_id, error):
        self._post_error("invocation/%s/error" % request_id, error)

    def fail_init(self, error):
        self._post_error("init/error", error)

    def _post_error(self, path, error):
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": error["errorType"]}
        self._send("POST", path, json.dumps(error).encode(), headers)

    def _send(self, method, path, body, headers):
        try:
            self._connection.request(method, self._root + path, body, headers)
            response = self._connection.getresponse()
            payload = response.read()
        except (OSError, http.client.HTTPException):
            # The service is gone, and this process has no other purpose.
            os._exit(1)
        if response.status not in (200, 202):
            sys.stderr.write("The Runtime API answered %d: %s\n" % (response.status, payload.decode(errors="replace")))
            os._exit(1)
        return response, payload


class CognitoIdentity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class Client:
    def __init__(self, values):
        self.installation_id = values.get("installation_id")
        self.app_title = values.get("app_title")
        self.app_version_name = values.get("app_version_name")
        self.app_version_code = values.get("app_version_code")
        self.app_package_name = values.get("app_package_name")


class ClientContext:
    def __init__(self, values):
        self.client = Client(values.get("client") or {})
        self.custom = values.get("custom")
        self.env = values.get("env")


class Context:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.tenant_id = headers["Lambda-Runtime-Aws-Tenant-Id"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        # A string on Lambda, too.
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = CognitoIdentity()
        client_context = headers["Lambda-Runtime-Client-Context"]
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


class FunctionError(Exception):
    """A failure that the managed runtime names itself."""

    def __init__(self, error_type, message):
        super().__init__(message)
        self.error_type = error_type


def describe(exception, request_id):
    if isinstance(exception, FunctionError):
        return {"errorType": exception.error_type, "errorMessage": str(exception), "requestId": request_id, "stackTrace": []}
    # The function's own frames: neither this file's nor the import machinery's.
    frames = [frame for frame in traceback.extract_tb(exception.__traceback__) if frame.filename != __file__ and "importlib" not in frame.filename]
    return {
        "errorType": type(exception).__name__,
        "errorMessage": str(exception),
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }


def log_error(error):
    sys.stderr.write("[ERROR] %s: %s\n" % (error["errorType"], error["errorMessage"]))
    if error["stackTrace"]:
        sys.stderr.write("Traceback (most recent call last):\n" + "".join(error["stackTrace"]))
    sys.stderr.flush()


def load_handler(handler):
    module_name, separator, function_name = handler.rpartition(".")
    if not separator:
        raise FunctionError("Runtime.MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % handler)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise FunctionError("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error)) from error
    except SyntaxError as error:
        message = "Syntax error in module '%s': %s (%s, line %s)" % (module_name, error.msg, os.path.basename(error.filename or ""), error.lineno)
        raise FunctionError("Runtime.UserCodeSyntaxError", message) from error
    try:
        return getattr(module, function_name)
    except AttributeError as error:
        raise FunctionError("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function_name, module_name)) from error


def to_json(value):
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def call(handler, payload, context):
    try:
        event = json.loads(payload)
    except ValueError as error:
        raise FunctionError("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from error
    result = handler(event, context)
    try:
        return json.dumps(result, ensure_ascii=False, default=to_json).encode()
    except (TypeError, ValueError) as error:
        raise FunctionError("Runtime.MarshalError", "Unable to marshal response: %s" % error) from error


def main():
    exit_with_parent()
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    # The folder of this file comes first otherwise, and is no business of the function.
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as exception:
        error = describe(exception, "")
        log_error(error)
        api.fail_init(error)
        sys.exit(1)

    while True:
        response, payload = api.next()
        context = Context(response.headers)
        os.environ["_X_AMZN_TRACE_ID"] = response.headers["Lambda-Runtime-Trace-Id"]
        try:
            result = call(handler, payload, context)
        except Exception as exception:
            error = describe(exception, context.aws_request_id)
            log_error(error)
            api.fail(context.aws_request_id, error)
        else:
            api.respond(context.aws_request_id, result)


main()
