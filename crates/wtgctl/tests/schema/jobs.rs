//! The whole jobs.

use std::path::Path;

use crate::check::{assert_fits, assert_stream, wtgctl};

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
