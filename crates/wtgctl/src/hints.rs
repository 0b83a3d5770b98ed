//! Advice that goes with errors, keyed by what failed.

use crate::i18n::Message;

/// Advice for errors of reading or writing a WIM.
pub(crate) fn wim(kind: wim_apply::ErrorKind) -> Option<Message> {
    use wim_apply::ErrorKind as K;
    match kind {
        K::Corrupt => Some(Message::HintImageDamaged),
        K::Truncated => Some(Message::HintImageShort),
        K::Unsupported => Some(Message::HintImageUnsupported),
        K::Interrupted => Some(Message::HintRunAgain),
        _ => None,
    }
}

/// Advice for errors of reading a disc image.
pub(crate) fn iso(kind: iso_loopback::ErrorKind) -> Option<Message> {
    use iso_loopback::ErrorKind as K;
    match kind {
        K::NotAnImage => Some(Message::HintNotAnImage),
        K::Corrupt | K::Truncated => Some(Message::HintDiscDamaged),
        K::Unsupported => Some(Message::HintDiscUnsupported),
        K::Interrupted => Some(Message::HintRunAgain),
        _ => None,
    }
}

/// Advice for errors of disks, tables and FAT volumes.
pub(crate) fn disk(kind: partitioner::ErrorKind) -> Option<Message> {
    use partitioner::ErrorKind as K;
    match kind {
        K::Refused => Some(Message::HintDevices),
        K::NoSpace => Some(Message::HintLargerSize),
        K::Mismatch => Some(Message::HintReplaceMedium),
        _ => None,
    }
}

/// Advice for errors of reading an NTFS volume.
pub(crate) fn ntfs(kind: ntfs_image::ErrorKind) -> Option<Message> {
    use ntfs_image::ErrorKind as K;
    match kind {
        K::Corrupt | K::Truncated => Some(Message::HintNtfsCheck),
        _ => None,
    }
}

/// Advice for errors of describing or writing an NTFS volume.
pub(crate) fn build(kind: ntfs_image::BuildErrorKind) -> Option<Message> {
    match kind {
        ntfs_image::BuildErrorKind::NoSpace => Some(Message::HintLargerOrCompact),
        _ => None,
    }
}

/// Advice for errors of registry hives.
pub(crate) fn hive(kind: regf_hive::ErrorKind) -> Option<Message> {
    match kind {
        regf_hive::ErrorKind::Dirty => Some(Message::HintHiveDirty),
        _ => None,
    }
}

/// Advice for errors of boot configuration.
pub(crate) fn boot(kind: bootcfg::ErrorKind) -> Option<Message> {
    match kind {
        bootcfg::ErrorKind::NotWindows => Some(Message::HintNotWindows),
        _ => None,
    }
}
