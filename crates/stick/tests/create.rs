//! From an image to a stick, on a tiny image: plans, determinism, refusals, verification.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

mod support;

use std::path::Path;

use stick::{Compact, Error, Plan, Prepared, Seed, Spec, Target, verify};

fn create(spec: &Spec) -> stick::ApplyReport {
    Prepared::new(spec.clone(), &support::options())
        .unwrap()
        .apply(&support::options(), &mut |_| {})
        .unwrap()
}

fn verify_against(target: &Path, spec: &Spec) -> verify::VerifyReport {
    let prepared = Prepared::for_comparison(spec.clone(), &support::options()).unwrap();
    let expected = verify::Expected {
        content: Some(&prepared),
        seed: Some(Seed(spec.seed)),
    };
    verify::verify(target, expected, &support::options(), &mut |_| {}).unwrap()
}

#[test]
fn a_stick_is_what_the_image_is() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "LZX") else {
        return;
    };
    let mut spec = support::spec(&wim, dir.path(), 7);
    spec.compact = Compact::Xpress8k;
    // The tiny image states no build.
    assert!(matches!(
        Prepared::new(spec.clone(), &support::options()),
        Err(Error::Unsupported(_))
    ));
    spec.compact = Compact::Off;
    create(&spec);
    let report = verify_against(spec.target.path(), &spec);
    assert_eq!(report.findings, []);
    assert!(
        report.files_compared > 50 && report.bytes_compared > 1_500_000,
        "{report:?}"
    );
}

#[test]
fn verification_finds_a_changed_byte() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "XPRESS") else {
        return;
    };
    let spec = support::spec(&wim, dir.path(), 7);
    create(&spec);
    let target = spec.target.path();
    let mut bytes = std::fs::read(target).unwrap();
    let program = std::fs::read(dir.path().join("tree/Windows/System32/large.dll")).unwrap();
    let needle = &program[1_000_000..1_000_064];
    let at = bytes
        .windows(needle.len())
        .rposition(|window| window == needle)
        .unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(target, bytes).unwrap();
    let report = verify_against(target, &spec);
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|f| (f.code, f.place.as_str()))
        .collect();
    assert_eq!(found, [("data-differs", "\\Windows\\System32\\large.dll")]);
}

#[test]
fn same_seed_same_bytes_another_seed_others() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "LZX") else {
        return;
    };
    let bytes_of = |seed, threads| {
        let mut spec = support::spec(&wim, dir.path(), seed);
        if let Target::File { force, .. } = &mut spec.target {
            *force = true;
        }
        let options = stick::RunOptions {
            threads,
            ..support::options()
        };
        Prepared::new(spec.clone(), &options)
            .unwrap()
            .apply(&options, &mut |_| {})
            .unwrap();
        std::fs::read(spec.target.path()).unwrap()
    };
    let first = bytes_of(7, 1);
    assert!(first == bytes_of(7, 3), "the bytes depend on the run");
    assert!(first != bytes_of(8, 1), "the seed has no effect");
}

#[test]
fn a_saved_plan_applies_only_while_it_is_true() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "LZX") else {
        return;
    };
    let spec = support::spec(&wim, dir.path(), 7);
    let prepared = Prepared::new(spec.clone(), &support::options()).unwrap();
    assert!(!spec.target.path().exists(), "planning touched the target");
    let text = serde_json::to_string(&prepared.plan).unwrap();
    let saved: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(saved, prepared.plan);
    std::fs::write(spec.target.path(), b"somebody's file").unwrap();
    let refused = Prepared::from_plan(saved.clone(), &support::options()).unwrap_err();
    assert!(refused.to_string().contains("already"), "{refused}");
    std::fs::remove_file(spec.target.path()).unwrap();
    let mut other = saved.clone();
    other.source.metadata_sha1 = "0".repeat(40);
    assert!(matches!(
        Prepared::from_plan(other, &support::options()),
        Err(Error::PlanChanged(_))
    ));
    Prepared::from_plan(saved, &support::options())
        .unwrap()
        .apply(&support::options(), &mut |_| {})
        .unwrap();
    assert!(spec.target.path().exists());
}

#[test]
fn bad_inputs_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "LZX") else {
        return;
    };
    let good = support::spec(&wim, dir.path(), 7);
    let refuse = |spec: &Spec| {
        let error = Prepared::new(spec.clone(), &support::options()).unwrap_err();
        assert!(!spec.target.path().exists(), "{error}");
        error
    };
    let mut small = good.clone();
    small.target = Target::File {
        path: dir.path().join("small.img"),
        size_bytes: 330 << 20,
        force: false,
    };
    match refuse(&small) {
        Error::TooSmall {
            needed_bytes,
            have_bytes,
        } => {
            assert_eq!(have_bytes, 330 << 20);
            small.target = Target::File {
                path: dir.path().join("small.img"),
                size_bytes: needed_bytes,
                force: false,
            };
            Prepared::new(small, &support::options()).unwrap();
        }
        other => panic!("{other}"),
    }
    let mut missing = good.clone();
    missing.source = dir.path().join("nothing.iso");
    assert!(matches!(refuse(&missing), Error::Io { .. }));
    let mut text = good.clone();
    text.source = dir.path().join("text.iso");
    std::fs::write(&text.source, "not an image").unwrap();
    assert!(matches!(refuse(&text), Error::Source { .. }));
    let mut truncated = good.clone();
    truncated.source = dir.path().join("truncated.wim");
    let bytes = std::fs::read(&wim).unwrap();
    std::fs::write(&truncated.source, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(refuse(&truncated), Error::Wim { .. }));
    let mut not_there = good.clone();
    not_there.image = Some("Enterprise".to_owned());
    assert!(refuse(&not_there).to_string().contains("Tiny"));
    let mut other = good;
    other.unattend = Some(dir.path().join("text.iso"));
    assert!(matches!(refuse(&other), Error::Boot(_)));
}

#[test]
fn an_image_that_is_not_windows_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("plain")).unwrap();
    std::fs::write(dir.path().join("plain/file"), "data").unwrap();
    let wim = dir.path().join("plain.wim");
    let Some(mut command) = testkit::tool("wimlib-imagex") else {
        return;
    };
    testkit::run(
        command
            .arg("capture")
            .arg(dir.path().join("plain"))
            .arg(&wim)
            .arg("Plain"),
    );
    let error = Prepared::new(support::spec(&wim, dir.path(), 7), &support::options()).unwrap_err();
    assert!(matches!(error, Error::NotWindows { index: 1, .. }), "{error}");
    assert!(
        error.to_string().contains("\\Windows\\Boot\\EFI\\bootmgfw.efi"),
        "{error}"
    );
}
