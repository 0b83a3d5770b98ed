//! Advice that goes with errors, keyed by what failed.

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Advice for errors of reading or writing a WIM.
pub(crate) fn wim(kind: wim_apply::ErrorKind) -> Option<String> {
    use wim_apply::ErrorKind as K;
    match kind {
        K::Corrupt => some("the image is damaged: copy or download it again and compare its checksum"),
        K::Truncated => some("the file is shorter than it says: copy or download it again"),
        K::Unsupported => some("use another edition of the image, or convert it where it was made"),
        K::Interrupted => some("run the same command again"),
        _ => None,
    }
}

/// Advice for errors of reading a disc image.
pub(crate) fn iso(kind: iso_loopback::ErrorKind) -> Option<String> {
    use iso_loopback::ErrorKind as K;
    match kind {
        K::NotAnImage => some("give a Windows ISO, WIM, ESD, or the first part of a split WIM"),
        K::Corrupt | K::Truncated => {
            some("the disc image is damaged: download it again and compare its checksum")
        }
        K::Unsupported => some("`wtgctl iso info` shows the other trees of the image"),
        _ => None,
    }
}

/// Advice for errors of disks, tables and FAT volumes.
pub(crate) fn disk(kind: partitioner::ErrorKind) -> Option<String> {
    use partitioner::ErrorKind as K;
    match kind {
        K::Refused => some("`wtgctl devices` shows what can be written, and why the rest cannot"),
        K::NoSpace => some("choose a larger --size"),
        K::Mismatch => some("the medium does not keep what is written: replace it"),
        _ => None,
    }
}

/// Advice for errors of reading an NTFS volume.
pub(crate) fn ntfs(kind: ntfs_image::ErrorKind) -> Option<String> {
    use ntfs_image::ErrorKind as K;
    match kind {
        K::Corrupt | K::Truncated => {
            some("`wtgctl ntfs check` lists everything that is wrong with the volume")
        }
        _ => None,
    }
}

/// Advice for errors of describing or writing an NTFS volume.
pub(crate) fn build(kind: ntfs_image::BuildErrorKind) -> Option<String> {
    match kind {
        ntfs_image::BuildErrorKind::NoSpace => some("choose a larger --size, or --compact auto"),
        _ => None,
    }
}

/// Advice for errors of registry hives.
pub(crate) fn hive(kind: regf_hive::ErrorKind) -> Option<String> {
    match kind {
        regf_hive::ErrorKind::Dirty => {
            some("give its transaction logs too, or shut Windows down cleanly first")
        }
        _ => None,
    }
}

/// Advice for errors of boot configuration.
pub(crate) fn boot(kind: bootcfg::ErrorKind) -> Option<String> {
    match kind {
        bootcfg::ErrorKind::NotWindows => {
            some("choose another image with --index; setup and recovery images do not boot as a stick")
        }
        _ => None,
    }
}
