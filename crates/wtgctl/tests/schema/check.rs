//! Running the program, and comparing records with a schema.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs the program with `--json`.
pub(crate) fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command.arg("--json").args(args).output().unwrap()
}

/// Runs the program with `--json`; gives the exit code and the records.
pub(crate) fn wtgctl(args: &[&str]) -> (i32, Vec<Value>) {
    let output = run(args);
    let text = String::from_utf8(output.stdout).unwrap();
    let records = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (output.status.code().unwrap(), records)
}

fn schema(name: &str) -> Value {
    let path = testkit::workspace_root()
        .join("docs/schema")
        .join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The part of JSON Schema that docs/schema uses.
fn check(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return check(
            value,
            root.pointer(reference.trim_start_matches('#'))
                .ok_or("bad $ref")?,
            root,
            at,
        );
    }
    if let Some(constant) = schema.get("const") {
        return if value == constant {
            Ok(())
        } else {
            Err(format!("{at}: {value} is not {constant}"))
        };
    }
    if let Some(choices) = schema["enum"].as_array() {
        return if choices.contains(value) {
            Ok(())
        } else {
            Err(format!("{at}: {value} is none of {choices:?}"))
        };
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices
            .iter()
            .filter(|choice| check(value, choice, root, at).is_ok())
            .count();
        return if fitting == 1 {
            Ok(())
        } else {
            Err(format!("{at}: {fitting} choices fit {value}"))
        };
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{at}: type {other}"),
    };
    if !types.iter().any(|kind| is(kind)) {
        return Err(format!("{at}: {value} is no {types:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        check(item, &schema["items"], root, &format!("{at}[]"))?;
    }
    let Some(object) = value.as_object() else {
        return Ok(());
    };
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !object.contains_key(name) {
            return Err(format!("{at}: {name} is missing"));
        }
    }
    for (name, field) in object {
        let known = schema["properties"]
            .get(name)
            .ok_or_else(|| format!("{at}: {name} is not in the schema"))?;
        check(field, known, root, &format!("{at}.{name}"))?;
    }
    Ok(())
}

pub(crate) fn assert_fits(value: &Value, name: &str) {
    let schema = schema(name);
    if let Err(problem) = check(value, &schema, &schema, name) {
        panic!("{problem}\nin {value}");
    }
}

/// All but the last are of the kinds that may come before it, and fit their schemas.
pub(crate) fn assert_stream(records: &[Value], last: &str) {
    let (end, before) = records.split_last().expect("at least one record");
    assert_fits(end, last);
    for record in before {
        let kind = record["type"].as_str().unwrap();
        assert!(["progress", "warning"].contains(&kind), "{record}");
        assert_fits(record, kind);
    }
}

#[test]
fn the_check_can_fail() {
    let schema = schema("warning");
    for bad in [
        r#"{"type":"warning"}"#,
        r#"{"type":"warning","message":1}"#,
        r#"{"type":"warning","message":"","x":0}"#,
    ] {
        let value = serde_json::from_str(bad).unwrap();
        assert!(check(&value, &schema, &schema, "").is_err(), "{bad}");
    }
}
