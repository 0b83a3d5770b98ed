//! What `--json` prints is what docs/schema says.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs the program with `--json`; gives the exit code and the records.
fn wtgctl(args: &[&str]) -> (i32, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_wtgctl"))
        .arg("--json")
        .args(args)
        .output()
        .unwrap();
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

fn assert_fits(value: &Value, name: &str) {
    let schema = schema(name);
    if let Err(problem) = check(value, &schema, &schema, name) {
        panic!("{problem}\nin {value}");
    }
}

/// All but the last are of the kinds that may come before it, and fit their schemas.
fn assert_stream(records: &[Value], last: &str) {
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

#[test]
fn whole_jobs() {
    let Some(iso) = testkit::samples::generated("small", "windows.iso") else {
        return;
    };
    let iso = iso.to_str().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (image, plan) = (path("stick.img"), path("plan.json"));
    let job = [
        iso, "--index", "1", "--target", &image, "--size", "1G", "--seed", "7",
    ];
    let with = |verb: &'static str, more: &[&'static str]| [&[verb], &job[..], more].concat();

    let (code, records) = wtgctl(&[&with("plan", &["--out"])[..], &[&plan]].concat());
    assert_eq!(code, 0, "{records:?}");
    assert_stream(&records, "plan");
    assert_fits(
        &serde_json::from_str(&std::fs::read_to_string(&plan).unwrap()).unwrap(),
        "plan",
    );
    assert!(!Path::new(&image).exists());

    let (code, records) = wtgctl(&["apply", &plan]);
    assert_eq!(code, 0, "{records:?}");
    assert_stream(&records, "create");

    let (code, records) = wtgctl(&with("create", &[]));
    assert_eq!(code, 4, "an existing file was not refused: {records:?}");
    assert_stream(&records, "error");

    let (code, records) = wtgctl(&["verify", &image, "--against", iso, "--index", "1"]);
    assert_eq!(code, 0, "{records:?}");
    assert_stream(&records, "verify");

    for thing in [&image, &plan, iso] {
        let (code, records) = wtgctl(&["inspect", thing]);
        assert_eq!(code, 0, "{records:?}");
        assert_stream(&records, "inspect");
    }

    let (code, records) = wtgctl(&["wim", "ls", iso, "--image", "1"]);
    assert_eq!(code, 0);
    let (_, entries) = records.split_last().unwrap();
    assert!(entries.len() > 1000);
    entries.iter().for_each(|entry| assert_fits(entry, "wim-ls"));
}

#[test]
fn without_a_seed_two_runs_differ_and_say_which_seed_they_had() {
    let Some(wim) = testkit::samples::generated("small", "install.wim") else {
        return;
    };
    let seed_of_a_run = || {
        let wim = wim.to_str().unwrap();
        let (code, records) = wtgctl(&[
            "plan",
            wim,
            "--index",
            "1",
            "--target",
            "stick.img",
            "--size",
            "1G",
        ]);
        assert_eq!(code, 0, "{records:?}");
        let plan = records.last().unwrap();
        (
            plan["spec"]["seed"].as_u64().unwrap(),
            plan["disk"]["disk_guid"].to_string(),
        )
    };
    let (first, second) = (seed_of_a_run(), seed_of_a_run());
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
}

#[test]
fn errors() {
    for (args, code) in [
        (
            &["plan", "nothing.iso", "--target", "x.img", "--size", "1G"][..],
            3,
        ),
        (&["plan", "nothing.iso", "--target", "x.img"], 2),
        (&["plan"], 2),
        (&["no-such-command"], 2),
        (&["create", "x.wim", "--target", "/dev/null"], 2),
    ] {
        let (found, records) = wtgctl(args);
        assert_eq!(found, code, "{args:?}: {records:?}");
        assert_stream(&records, "error");
        assert_eq!(records.last().unwrap()["exit_code"], code);
    }
}
