//! UDF (ECMA-167 as profiled by OSTA UDF 1.02 to 2.60).

mod allocation;
mod anchor;
mod crc;
mod directory;
mod file_entry;
mod osta;
mod partition;
mod recognition;
mod table_files;
mod tag;
mod time;
mod vat;
mod volume;
mod volume_descriptors;

pub(crate) use file_entry::IcbAddress;
pub(crate) use recognition::find_nsr;
pub(crate) use volume::UdfVolume;
