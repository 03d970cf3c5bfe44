"""What the report's tests share: a synthetic run, the program, a schema check, a plain way to fail.

check() raises on the first broken expectation with what was found; a test file ends through main(), which turns that into exit 1
and a missing tool into exit 77 with the reason.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))


class Skip(Exception):
    pass


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def run_report(program, *args, env=None):
    return subprocess.run([program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env=dict(os.environ, **(env or {})))


def make_run(out, *args):
    subprocess.run([sys.executable, os.path.join(HERE, "make_run.py"), out, *args], check=True)
    return out


def load_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def load_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


TYPES = {"object": dict, "array": list, "string": str, "null": type(None)}


def has_type(value, name):
    if name in ("number", "integer"):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole or (name == "number" and isinstance(value, float))
    return isinstance(value, TYPES[name])


def schema_errors(value, schema, root, where="$"):
    """The part of JSON Schema that our schemas use; an unknown keyword is an error, so that none is silently ignored."""
    known = {"$schema", "$defs", "$ref", "title", "description", "type", "const", "enum", "required", "properties",
             "additionalProperties", "items", "minItems", "minLength", "pattern", "minimum"}
    errors = [f"{where}: schema keyword {word} is not checked" for word in schema if word not in known]
    if "$ref" in schema:
        errors += schema_errors(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, where)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(has_type(value, t) for t in types):
        return errors + [f"{where}: {value!r} is not {' or '.join(types)}"]
    if "const" in schema and value != schema["const"]:
        errors.append(f"{where}: {value!r} is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        errors.append(f"{where}: {value!r} is none of {schema['enum']}")
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            errors.append(f"{where}: too short")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            errors.append(f"{where}: {value!r} does not match {schema['pattern']}")
    if has_type(value, "number") and value < schema.get("minimum", value):
        errors.append(f"{where}: {value} is below {schema['minimum']}")
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            errors.append(f"{where}: too few items")
        for i, item in enumerate(value):
            errors += schema_errors(item, schema.get("items", {}), root, f"{where}[{i}]")
    if isinstance(value, dict):
        errors += [f"{where}: no {key}" for key in schema.get("required", []) if key not in value]
        more = schema.get("additionalProperties", True)
        for key, item in value.items():
            below = schema.get("properties", {}).get(key)
            if below is not None:
                errors += schema_errors(item, below, root, f"{where}.{key}")
            elif more is False:
                errors.append(f"{where}: {key} is not in the schema")
            elif isinstance(more, dict):
                errors += schema_errors(item, more, root, f"{where}.{key}")
    return errors


def main(test):
    """test(program, folder): sys.argv[1] is arenabench-report."""
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        print(f"{sys.argv[0]}: needs the program arenabench-report as its argument")
        sys.exit(2)
    try:
        with tempfile.TemporaryDirectory(prefix="report-test.") as folder:
            test(os.path.abspath(sys.argv[1]), folder)
    except Skip as reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    except AssertionError as failure:
        print(f"failed: {failure}")
        sys.exit(1)
    print("passed")
