"""Decides a template's rules and conditions, as CloudFormation does before it makes anything. moto knows no rules, and leaves AWS::NoValue in lists."""

NOTHING = object()


def judge(template, parameters):
    """What the template's rules say against these parameters."""
    decide = decider(template, parameters)
    return [
        assertion["AssertDescription"]
        for rule in template.get("Rules", {}).values()
        if "RuleCondition" not in rule or decide(rule["RuleCondition"])
        for assertion in rule["Assertions"]
        if not decide(assertion["Assert"])
    ]


def decider(template, parameters):
    values = {name: str(parameters.get(name, definition.get("Default", ""))) for name, definition in template["Parameters"].items()}

    def decide(condition):
        (function, argument), = condition.items()
        match function:
            case "Condition":
                return decide(template["Conditions"][argument])
            case "Fn::Not":
                return not decide(argument[0])
            case "Fn::And":
                return all(decide(part) for part in argument)
            case "Fn::Equals":
                return text(argument[0]) == text(argument[1])
        raise NotImplementedError(function)

    def text(value):
        if isinstance(value, dict) and "Ref" in value:
            return values[value["Ref"]]
        if isinstance(value, dict) and "Fn::Join" in value:
            return text(value["Fn::Join"][1])
        return str(value)

    return decide


def settle(template, parameters):
    """The template without conditions: only what is made with these parameters, and of each Fn::If the branch that is taken."""
    decide = decider(template, parameters)

    def choose(value):
        if isinstance(value, dict):
            if "Fn::If" in value:
                name, then, otherwise = value["Fn::If"]
                return choose(then if decide(template["Conditions"][name]) else otherwise)
            if value == {"Ref": "AWS::NoValue"}:
                return NOTHING
            if is_absent(value):
                return NOTHING
            chosen = ((key, choose(item)) for key, item in value.items() if key != "Condition" or not isinstance(item, str))
            return {key: item for key, item in chosen if item is not NOTHING}
        if isinstance(value, list):
            return [item for item in map(choose, value) if item is not NOTHING]
        return value

    def is_absent(value):
        condition = value.get("Condition")
        return isinstance(condition, str) and ("Type" in value or "Value" in value) and not decide(template["Conditions"][condition])

    settled = {section: choose(content) for section, content in template.items() if section in ("Resources", "Outputs")}
    return {**{section: content for section, content in template.items() if section not in ("Conditions", "Rules", "Metadata")}, **settled}
