//! `--lang`: text for people is translated, records are not.

#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program with no language in its environment but `variables`.
fn wtgctl(variables: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    for name in ["WTGCTL_LANG", "LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(name);
    }
    let variables = variables.iter().copied();
    command.envs(variables).args(args).output().expect("wtgctl")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

const MISSING: [&str; 6] = ["plan", "nothing.iso", "--target", "x", "--size", "1G"];

#[test]
fn labels_and_hints_are_translated_and_the_sentence_is_not() {
    let output = wtgctl(&[], &[&["--lang", "zh"], &MISSING[..]].concat());
    assert_eq!(output.status.code(), Some(3));
    let zh = text(&output.stderr);
    let lines: Vec<&str> = zh.lines().collect();
    let [error, cause, hint] = lines.as_slice() else {
        panic!("{zh}")
    };
    assert!(
        error.starts_with("错误: ") && error.contains("nothing.iso"),
        "{error}"
    );
    assert!(cause.starts_with("  原因: "), "{cause}");
    assert_eq!(*hint, "提示: 请检查路径");

    let en = text(&wtgctl(&[], &MISSING).stderr);
    assert!(en.starts_with("error: ") && en.is_ascii(), "{en}");
    assert_eq!(
        en.lines().next().and_then(|line| line.strip_prefix("error: ")),
        error.strip_prefix("错误: ")
    );
}

#[test]
fn sentences_of_our_own_are_translated() {
    let args = ["plan", "nothing.iso", "--target", "x"];
    let zh = text(&wtgctl(&[("WTGCTL_LANG", "zh")], &args).stderr);
    assert_eq!(zh, "错误: 目标是映像文件时需要 --size\n提示: 例如 --size 32G\n");
}

#[test]
fn records_are_the_same_in_every_language() {
    for args in [&MISSING[..], &["plan", "nothing.iso", "--target", "x"]] {
        let en = wtgctl(&[], &[&["--json"], args].concat());
        assert!(!en.stdout.is_empty());
        for zh in [
            wtgctl(&[], &[&["--json", "--lang", "zh"], args].concat()),
            wtgctl(&[("LANG", "zh_CN.UTF-8")], &[&["--json"], args].concat()),
        ] {
            assert_eq!(text(&zh.stdout), text(&en.stdout));
            assert_eq!(zh.status.code(), en.status.code());
        }
    }
}

#[test]
fn the_option_beats_the_environment() {
    for (variables, args, label) in [
        (&[("LC_ALL", "zh_CN.UTF-8")][..], &[][..], "错误: "),
        (&[("LC_ALL", "zh_CN.UTF-8")], &["--lang", "en"], "error: "),
        (
            &[("WTGCTL_LANG", "en"), ("LC_ALL", "zh_CN.UTF-8")],
            &[],
            "error: ",
        ),
        (&[("LANG", "zh_CN.GBK")], &[], "error: "),
    ] {
        let found = text(&wtgctl(variables, &[args, &MISSING[..]].concat()).stderr);
        assert!(found.starts_with(label), "{variables:?} {args:?}: {found}");
    }
}

#[test]
fn inspect_says_what_a_file_is() {
    let scratch = tempfile::tempdir().expect("folder");
    let inspect = |lang: &str, name: &str| {
        let path = scratch.path().join(name);
        let path: &Path = &path;
        text(&wtgctl(&[], &["--lang", lang, "inspect", path.to_str().expect("path")]).stdout)
    };
    for (name, bytes, en, zh) in [
        (
            "a.vhdx",
            &b"vhdxfile"[..],
            "VHDX virtual disk\n",
            "VHDX 虚拟磁盘\n",
        ),
        (
            "a.json",
            b"{}",
            "text that starts with a brace, and no plan\n",
            "以花括号开头的文本，但不是计划\n",
        ),
        ("a.txt", b"?", "nothing that is known here\n", "无法识别\n"),
    ] {
        std::fs::write(scratch.path().join(name), bytes).expect("file");
        let (english, chinese) = (inspect("en", name), inspect("zh", name));
        let facts = english.strip_prefix(en).expect("English title");
        assert_eq!(chinese.strip_prefix(zh), Some(facts));
    }
}

#[test]
fn a_plan_is_in_columns() {
    let Some(iso) = testkit::samples::generated("small", "windows.iso") else {
        return;
    };
    let scratch = tempfile::tempdir().expect("folder");
    let target = scratch.path().join("stick.img");
    let job = [
        "plan",
        iso.to_str().expect("path"),
        "--index",
        "1",
        "--target",
        target.to_str().expect("path"),
        "--size",
        "1G",
        "--seed",
        "7",
    ];
    let plan = |more: &[&str]| {
        let output = wtgctl(&[], &[&job[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let (en, zh) = (plan(&[]), plan(&["--lang", "zh"]));
    assert_eq!(en.lines().count(), zh.lines().count());
    assert!(en.lines().any(|line| line == "seed     7"), "{en}");
    // Two characters of two columns each, filled up to where the English values stand.
    assert!(zh.lines().any(|line| line == "种子     7"), "{zh}");
    for (en, zh) in en.lines().zip(zh.lines()) {
        match zh.strip_prefix("改动").or(zh.strip_prefix("来源")) {
            Some(value) => assert_eq!(en.get(9..), value.get(5..), "the library's words stay"),
            None => assert!(!zh.starts_with("  ") || en == zh, "{zh}"),
        }
    }
    assert_eq!(plan(&["--json"]), plan(&["--json", "--lang", "zh"]));
}

#[test]
fn results_of_nouns_are_translated() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("tree")).expect("a folder");
    std::fs::write(dir.path().join("tree/file"), "content").expect("a file");
    let path = |name: &str| dir.path().join(name).to_str().expect("UTF-8").to_owned();
    let (tree, wim, volume) = (path("tree"), path("a.wim"), path("v.img"));
    let zh = |args: &[&str]| {
        let output = wtgctl(&[("WTGCTL_LANG", "zh")], args);
        text(&output.stdout) + &text(&output.stderr)
    };
    assert!(zh(&["wim", "capture", &tree, &wim]).contains("的映像 1：1 个文件"));
    assert!(zh(&["wim", "capture", &tree, &wim]).contains("已经存在"));
    assert!(zh(&["wim", "verify", &wim]).starts_with("通过："));
    assert!(zh(&["wim", "diff", &wim, "1", &tree]).starts_with("相同："));
    assert!(zh(&["ntfs", "format", &volume, "--size", "32M"]).contains("每簇 4096 字节"));
    assert!(zh(&["ntfs", "check", &volume]).starts_with("没有问题："));
}
