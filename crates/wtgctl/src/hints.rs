//! Advice that goes with errors, keyed by what failed.

use crate::i18n::Message;

/// Advice for errors of reading or writing a WIM.
pub(crate) fn wim(error: &wim_apply::Error) -> Option<Message> {
    use wim_apply::ErrorKind as K;
    match error.kind() {
        K::Corrupt => Some(Message::HintImageDamaged),
        K::Truncated => Some(Message::HintImageShort),
        K::Unsupported => Some(Message::HintImageUnsupported),
        K::Interrupted => Some(Message::HintRunAgain),
        K::Invalid => match error {
            wim_apply::Error::Invalid {
                what: "memory limit", ..
            } => Some(Message::HintMemoryLimit),
            _ => None,
        },
        K::Io => match error {
            wim_apply::Error::Changed { .. } => Some(Message::HintRunAgain),
            _ => None,
        },
        K::NotFound => match error {
            // Of a delta, or of a split file some parts of which are not open.
            wim_apply::Error::NotFound {
                what: "data of files",
                ..
            } => Some(Message::HintNameReference),
            wim_apply::Error::NotFound { what: "path", .. } => Some(Message::HintList),
            _ => None,
        },
        _ => None,
    }
}

/// Advice for errors of reading a disc image.
pub(crate) fn iso(error: &iso_loopback::Error) -> Option<Message> {
    use iso_loopback::ErrorKind as K;
    match error.kind() {
        K::NotAnImage => Some(Message::HintNotAnImage),
        K::Corrupt | K::Truncated => Some(Message::HintDiscDamaged),
        K::Unsupported => Some(Message::HintDiscUnsupported),
        K::Interrupted => Some(Message::HintRunAgain),
        _ => None,
    }
}

/// Advice for errors of disks, tables and FAT volumes.
pub(crate) fn disk(error: &partitioner::Error) -> Option<Message> {
    use partitioner::ErrorKind as K;
    if let partitioner::Error::Refused { findings, .. } = error
        && findings.iter().any(|finding| finding.code == "target-exists")
    {
        return Some(Message::HintOtherName);
    }
    match error.kind() {
        K::Refused => Some(Message::HintDevices),
        K::NoSpace => Some(Message::HintLargerSize),
        K::Mismatch => Some(Message::HintReplaceMedium),
        _ => None,
    }
}

/// Advice for errors of reading an NTFS volume.
pub(crate) fn ntfs(error: &ntfs_image::Error) -> Option<Message> {
    use ntfs_image::ErrorKind as K;
    match error.kind() {
        K::Corrupt | K::Truncated => Some(Message::HintNtfsCheck),
        _ => None,
    }
}

/// Advice for errors of describing or writing an NTFS volume.
pub(crate) fn build(error: &ntfs_image::BuildError) -> Option<Message> {
    match error.kind() {
        ntfs_image::BuildErrorKind::NoSpace => Some(Message::HintLargerOrCompact),
        _ => None,
    }
}

/// Advice for errors of registry hives.
pub(crate) fn hive(error: &regf_hive::Error) -> Option<Message> {
    match error.kind() {
        regf_hive::ErrorKind::Dirty => Some(Message::HintHiveDirty),
        _ => None,
    }
}

/// Advice for errors of boot configuration.
pub(crate) fn boot(error: &bootcfg::Error) -> Option<Message> {
    match error.kind() {
        bootcfg::ErrorKind::NotWindows => Some(Message::HintNotWindows),
        _ => None,
    }
}
