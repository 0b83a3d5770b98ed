//! Linux' own drivers mount a built volume read-write, work on it, and leave it clean.

use testkit::kernel::{Driver, Job, run};

use crate::features::{MOUNTABLE, everything};
use crate::support::{check, spec};

fn mount_and_write(driver: Driver) {
    let (volume, _) = everything(spec(256), &MOUNTABLE).build();
    let Some(found) = run(&[&volume.path], driver, Job::Write) else {
        return;
    };
    assert!(
        found[0].error.is_none(),
        "{}\n{}",
        found[0].error.as_deref().unwrap_or_default(),
        found[0].messages
    );
    assert!(found[0].manifest.0.len() > 1000, "{}", found[0].messages);
    testkit::oracles::ntfs_gate(&volume.path);
    check(&volume.path, 512);
}

#[test]
fn ntfs3_mounts_and_writes() {
    mount_and_write(Driver::Ntfs3);
}

#[test]
fn the_ntfs_driver_of_linux_7_mounts_and_writes() {
    mount_and_write(Driver::Ntfs);
}
