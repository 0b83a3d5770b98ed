//! Which attribute owns which clusters, and the paths of files.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use crate::layout::{attribute, namespace, record};
use crate::read::{File, Volume};

/// Clusters of an attribute, in one piece on the volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Extent {
    pub(super) lcn: u64,
    pub(super) clusters: u64,
    pub(super) record: u64,
    pub(super) type_code: u32,
    pub(super) name: Vec<u16>,
    pub(super) vcn: u64,
    pub(super) size_bytes: u64,
}

/// All extents of a volume by place, and one name of each file.
#[derive(Debug, Default)]
pub(super) struct Owners {
    extents: Vec<Extent>,
    names: BTreeMap<u64, (u64, Vec<u16>)>,
}

impl Owners {
    pub(super) fn collect<R: Read + Seek>(volume: &mut Volume<R>) -> Self {
        let mut owners = Self::default();
        let clusters = volume.boot().cluster_count();
        for file in volume.walk().filter_map(Result::ok) {
            owners.add(&file, clusters);
        }
        owners.extents.sort_unstable();
        owners
    }

    fn add(&mut self, file: &File, clusters: u64) {
        let number = file.reference.record;
        let mut names: Vec<_> = file
            .names()
            .filter(|name| name.namespace != namespace::DOS)
            .collect();
        if !names.is_empty() {
            let name = names.swap_remove(0);
            self.names.insert(number, (name.parent.record, name.name));
        }
        for found in &file.attributes {
            let runs = found
                .non_resident()
                .map(|value| value.runs.as_slice())
                .unwrap_or_default();
            for run in runs {
                let Some(lcn) = run.lcn.filter(|&lcn| lcn < clusters) else {
                    continue;
                };
                self.extents.push(Extent {
                    lcn,
                    clusters: run.clusters.min(clusters - lcn),
                    record: number,
                    type_code: found.type_code,
                    name: found.name.clone(),
                    vcn: run.vcn,
                    size_bytes: found.size_bytes(),
                });
            }
        }
    }

    pub(super) fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Path of a record; `?` where it has none.
    pub(super) fn path(&self, number: u64) -> String {
        let mut parts = Vec::new();
        let mut at = number;
        for _ in 0..64 {
            if at == record::ROOT {
                parts.reverse();
                return format!("\\{}", parts.join("\\"));
            }
            let Some((parent, name)) = self.names.get(&at) else {
                break;
            };
            parts.push(String::from_utf16_lossy(name));
            at = *parent;
        }
        "?".to_owned()
    }

    pub(super) fn describe(&self, extent: &Extent) -> String {
        let name = if extent.name.is_empty() {
            String::new()
        } else {
            format!(":{}", String::from_utf16_lossy(&extent.name))
        };
        let (kind, path) = (type_name(extent.type_code), self.path(extent.record));
        format!("record {} {path} {kind}{name}", extent.record)
    }
}

/// Name of an attribute type.
pub(super) fn type_name(type_code: u32) -> String {
    let known = match type_code {
        attribute::STANDARD_INFORMATION => "$STANDARD_INFORMATION",
        attribute::ATTRIBUTE_LIST => "$ATTRIBUTE_LIST",
        attribute::FILE_NAME => "$FILE_NAME",
        attribute::OBJECT_ID => "$OBJECT_ID",
        attribute::SECURITY_DESCRIPTOR => "$SECURITY_DESCRIPTOR",
        attribute::VOLUME_NAME => "$VOLUME_NAME",
        attribute::VOLUME_INFORMATION => "$VOLUME_INFORMATION",
        attribute::DATA => "$DATA",
        attribute::INDEX_ROOT => "$INDEX_ROOT",
        attribute::INDEX_ALLOCATION => "$INDEX_ALLOCATION",
        attribute::BITMAP => "$BITMAP",
        attribute::REPARSE_POINT => "$REPARSE_POINT",
        attribute::EA_INFORMATION => "$EA_INFORMATION",
        attribute::EA => "$EA",
        attribute::LOGGED_UTILITY_STREAM => "$LOGGED_UTILITY_STREAM",
        other => return format!("attribute {other:#x}"),
    };
    known.to_owned()
}
