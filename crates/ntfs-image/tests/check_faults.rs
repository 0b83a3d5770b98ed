//! Single faults in volumes that foreign programs wrote: the check notices each.

use std::io::Cursor;

use ntfs_image::Limits;
use ntfs_image::check::{CheckReport, check};

mod check_base;

use check_base::editor::Editor;
use check_base::faults::{FAULTS, Fault, TREE_FAULTS};

fn report(bytes: &[u8]) -> CheckReport {
    check(Cursor::new(bytes), &Limits::default())
}

fn notices(volume: Vec<u8>, faults: &[Fault], missed: &mut Vec<String>) {
    let mut editor = Editor::new(volume);
    let clean = report(&editor.bytes);
    assert!(clean.is_clean(), "the base volume: {:#?}", clean.findings);
    for fault in faults {
        (fault.inject)(&mut editor);
        let found = report(&editor.bytes);
        if !found.has(fault.code) {
            let codes: Vec<String> = found.findings.iter().map(ToString::to_string).collect();
            missed.push(format!("{}: wanted {}, found {codes:#?}", fault.name, fault.code));
        }
        assert!(
            found.findings.len() < 3000,
            "{}: {} findings",
            fault.name,
            found.findings.len()
        );
        editor.restore();
    }
    assert!(report(&editor.bytes).is_clean(), "every fault is taken back");
}

#[test]
fn every_fault_is_noticed() {
    let Some((tree, base)) = check_base::volumes() else {
        return;
    };
    let mut missed = Vec::new();
    notices(base, FAULTS, &mut missed);
    notices(tree, TREE_FAULTS, &mut missed);
    assert!(FAULTS.len() + TREE_FAULTS.len() >= 80);
    assert!(
        missed.is_empty(),
        "{} missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
}
