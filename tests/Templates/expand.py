"""Prints a template as JSON after the SAM transform, as CloudFormation would apply it, without AWS and without the SAM CLI.

    python3 tests/Templates/expand.py TEMPLATE

Fails if the transform does. What `sam build` would upload is named by a made-up location.
"""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-west-2")

from cfnlint.decode import decode
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform

LOCAL_CODE = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}


class NoManagedPolicies:
    def load(self):
        return {}


def expand(path):
    template, problems = decode(path)
    if problems:
        raise SystemExit("\n".join(str(problem) for problem in problems))
    template = json.loads(json.dumps(template))
    transforms = template.get("Transform", [])
    if "AWS::Serverless-2016-10-31" not in ([transforms] if isinstance(transforms, str) else transforms):
        return template
    for name, resource in template["Resources"].items():
        code = LOCAL_CODE.get(resource["Type"])
        if code in resource.get("Properties", {}):
            resource["Properties"][code] = f"s3://packages/{name}"
    try:
        return json.loads(json.dumps(transform(template, {}, NoManagedPolicies())))
    except InvalidDocumentException as error:
        raise SystemExit(f"{path}: {error.message} " + " ".join(cause.message for cause in error.causes)) from error


if __name__ == "__main__":
    json.dump(expand(sys.argv[1]), sys.stdout, indent=1)
