//! Records of the system files, as Windows lays them out.

use super::attribute::{Attribute, Body, NonResident};
use super::geometry::Geometry;
use super::index::{Built, block_units, encode_view_entry};
use super::plan::mirror_records;
use super::record::{Header, reference};
use super::secure::{
    ROOT_DESCRIPTOR, SYSTEM_ID, SYSTEM_WRITABLE_ID, read_only_descriptor, read_write_descriptor,
};
use super::space::Run;
use super::values::{FileInfo, file_name_value, index_attributes, standard_information};
use crate::attrdef::ATTRDEF_BYTES;
use crate::layout::{BOOT_FILE_BYTES, attribute, file_attribute, namespace, record, record_flag};
use crate::upcase::UPCASE_BYTES;

/// Attributes of every system file.
const SYSTEM_ATTRIBUTES: u32 = file_attribute::HIDDEN | file_attribute::SYSTEM;
/// Security id of the children of `$Extend` and of the system files written through the API.
const WRITABLE: [u64; 3] = [record::VOLUME, record::SECURE, record::EXTEND];
/// `$Volume` flags of a volume that Windows 10 formatted.
const VOLUME_FLAGS: u16 = 0x0080;
/// `$UpCase:$Info`: its length, the checksum of the table, and the Windows that wrote it (10.0, build 19041).
const UPCASE_INFO: [u64; 4] = [0x20, 0xDADC_7E77_6B1B_690C, 0x0A, 0x4A61];

/// Sequence number of a system record.
pub(super) fn sequence(record: u64) -> u16 {
    if record < record::FIRST_UNUSED {
        u16::try_from(record.max(1)).unwrap_or(1)
    } else {
        1
    }
}

/// Clusters and sizes of everything the records describe.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) mft: Vec<Run>,
    pub(super) mft_records: u64,
    pub(super) mft_bitmap: Vec<Run>,
    pub(super) mft_bitmap_bytes: u64,
    pub(super) mirror: Vec<Run>,
    pub(super) log_file: Vec<Run>,
    pub(super) attrdef: Vec<Run>,
    pub(super) bitmap: Vec<Run>,
    pub(super) upcase: Vec<Run>,
    pub(super) sds: Vec<Run>,
    pub(super) sds_bytes: u64,
    pub(super) by_hash: ViewIndex,
    pub(super) by_id: ViewIndex,
    pub(super) object_ids: ViewIndex,
    pub(super) reparse_points: ViewIndex,
}

/// A view index as written.
#[derive(Debug, Default)]
pub(super) struct ViewIndex {
    pub(super) root: Vec<u8>,
    pub(super) runs: Vec<Run>,
    pub(super) blocks: u64,
    pub(super) bitmap_runs: Option<Vec<Run>>,
}

impl ViewIndex {
    pub(super) fn new(built: Built, runs: Vec<Run>, bitmap_runs: Option<Vec<Run>>) -> Self {
        Self {
            root: built.root,
            runs,
            blocks: built.blocks,
            bitmap_runs,
        }
    }

    fn attributes(&self, name: &str, cluster: u64) -> Vec<Attribute> {
        let name: Vec<u16> = name.encode_utf16().collect();
        index_attributes(
            &name,
            self.root.clone(),
            &self.runs,
            self.blocks,
            self.bitmap_runs.as_deref(),
            cluster,
        )
    }
}

/// Sizes and attributes of a system file for its `$FILE_NAME`; records without one give `None`.
fn name_of(record: u64) -> Option<(&'static str, u64)> {
    let root = reference(record::ROOT, sequence(record::ROOT));
    let extend = reference(record::EXTEND, sequence(record::EXTEND));
    let own = super::prepare::SYSTEM_NAMES
        .iter()
        .find(|(_, number)| *number == record);
    match (own, record) {
        (Some((name, _)), _) => Some((name, root)),
        (None, record::QUOTA) => Some(("$Quota", extend)),
        (None, record::OBJECT_IDS) => Some(("$ObjId", extend)),
        (None, record::REPARSE_POINTS) => Some(("$Reparse", extend)),
        _ => None,
    }
}

fn attributes_of(record: u64) -> u32 {
    match record {
        record::ROOT | record::EXTEND => SYSTEM_ATTRIBUTES | file_attribute::INDEX_PRESENT,
        record::SECURE | record::QUOTA | record::OBJECT_IDS | record::REPARSE_POINTS => {
            SYSTEM_ATTRIBUTES | file_attribute::VIEW_INDEX_PRESENT
        }
        _ => SYSTEM_ATTRIBUTES,
    }
}

/// What the file name of a system file says about it.
fn info(record: u64, time: u64, geometry: &Geometry, places: &Places) -> FileInfo {
    let in_clusters = |bytes: u64| (geometry.clusters_for(bytes) * geometry.cluster, bytes);
    let (allocated, size) = match record {
        record::MFT => in_clusters(places.mft_records * geometry.record_bytes as u64),
        record::MFT_MIRROR => in_clusters(mirror_records(geometry) * geometry.record_bytes as u64),
        record::LOG_FILE => in_clusters(geometry.log_file_bytes()),
        record::ATTRIBUTE_DEFINITIONS => in_clusters(ATTRDEF_BYTES as u64),
        record::BITMAP => in_clusters(geometry.bitmap_bytes()),
        record::BOOT => in_clusters(BOOT_FILE_BYTES.next_multiple_of(geometry.cluster)),
        record::UPCASE => in_clusters(UPCASE_BYTES as u64),
        _ => (0, 0),
    };
    FileInfo {
        times: [time; 4],
        allocated,
        size,
        attributes: attributes_of(record),
        tag: 0,
    }
}

/// The `$FILE_NAME` of a system file.
fn file_name(record: u64, info: &FileInfo) -> Option<Attribute> {
    let (name, parent) = name_of(record)?;
    let name: Vec<u16> = name.encode_utf16().collect();
    let space = if record >= record::QUOTA {
        namespace::POSIX
    } else {
        namespace::WIN32_AND_DOS
    };
    let mut value = Vec::new();
    file_name_value(parent, info, space, &name, &mut value);
    Some(Attribute::file_name(value))
}

/// Index key of a system file in the root directory: only `$MFT`, `$Extend`, `$Secure` and the root itself
/// have more than a name and times.
pub(super) fn index_info(record: u64, time: u64, geometry: &Geometry, places: &Places) -> FileInfo {
    let full = info(record, time, geometry, places);
    match record {
        record::MFT | record::EXTEND | record::SECURE | record::ROOT => full,
        _ => FileInfo {
            allocated: 0,
            size: 0,
            attributes: 0,
            ..full
        },
    }
}

/// Header of a system record.
pub(super) fn header(record: u64) -> Header {
    let flags = record_flag::IN_USE
        | match record {
            record::ROOT | record::EXTEND => record_flag::DIRECTORY,
            record::SECURE => record_flag::VIEW_INDEX,
            record::QUOTA | record::OBJECT_IDS | record::REPARSE_POINTS => {
                record_flag::VIEW_INDEX | record_flag::EXTEND_CHILD
            }
            _ => 0,
        };
    let links = u16::from(name_of(record).is_some());
    Header {
        record,
        sequence: sequence(record),
        flags,
        links,
        base: 0,
    }
}

/// Attributes of a system record except the root directory's, which a tree describes.
pub(super) fn attributes(
    record: u64,
    spec: &crate::spec::VolumeSpec,
    geometry: &Geometry,
    places: &Places,
) -> Vec<Attribute> {
    let cluster = geometry.cluster;
    let data =
        |runs: &[Run], size: u64| Attribute::in_clusters(attribute::DATA, &[], runs.to_vec(), size, cluster);
    let empty = || Attribute::resident(attribute::DATA, &[], Vec::new());
    let descriptor = |bytes: Vec<u8>| Attribute::resident(attribute::SECURITY_DESCRIPTOR, &[], bytes);
    let own_descriptor =
        record == record::BOOT || (record::FIRST_RESERVED..record::FIRST_UNUSED).contains(&record);
    let id = if WRITABLE.contains(&record) || record >= record::QUOTA {
        SYSTEM_WRITABLE_ID
    } else {
        SYSTEM_ID
    };
    let information = standard_information(
        &[spec.time; 4],
        attributes_of(record) & !file_attribute::INDEX_PRESENT,
        false,
        (!own_descriptor).then_some(id),
    );
    let mut out = vec![Attribute::resident(
        attribute::STANDARD_INFORMATION,
        &[],
        information,
    )];
    out.extend(file_name(record, &info(record, spec.time, geometry, places)));
    match record {
        record::MFT => {
            out.push(data(
                &places.mft,
                places.mft_records * geometry.record_bytes as u64,
            ));
            out.push(Attribute::in_clusters(
                attribute::BITMAP,
                &[],
                places.mft_bitmap.clone(),
                places.mft_bitmap_bytes,
                cluster,
            ));
        }
        record::MFT_MIRROR => out.push(data(
            &places.mirror,
            mirror_records(geometry) * geometry.record_bytes as u64,
        )),
        record::LOG_FILE => out.push(data(&places.log_file, geometry.log_file_bytes())),
        record::VOLUME => {
            let label = spec.label.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            out.push(Attribute::resident(attribute::VOLUME_NAME, &[], label));
            let mut version = vec![0; 8];
            version.extend([3, 1]);
            version.extend(VOLUME_FLAGS.to_le_bytes());
            out.push(Attribute::resident(attribute::VOLUME_INFORMATION, &[], version));
            out.push(empty());
        }
        record::ATTRIBUTE_DEFINITIONS => out.push(data(&places.attrdef, ATTRDEF_BYTES as u64)),
        record::BITMAP => out.push(data(&places.bitmap, geometry.bitmap_bytes())),
        record::BOOT => {
            out.push(descriptor(read_only_descriptor()));
            let runs = [Run {
                lcn: Some(0),
                count: geometry.boot_clusters(),
            }];
            out.push(data(&runs, BOOT_FILE_BYTES.next_multiple_of(cluster)));
        }
        record::BAD_CLUSTERS => {
            out.push(empty());
            let size = geometry.clusters * cluster;
            out.push(Attribute {
                kind: attribute::DATA,
                name: "$Bad".encode_utf16().collect(),
                flags: 0,
                body: Body::NonResident(NonResident {
                    runs: vec![Run {
                        lcn: None,
                        count: geometry.clusters,
                    }],
                    allocated_bytes: size,
                    size_bytes: size,
                    ..NonResident::default()
                }),
            });
        }
        record::SECURE => {
            let name: Vec<u16> = "$SDS".encode_utf16().collect();
            out.push(Attribute::in_clusters(
                attribute::DATA,
                &name,
                places.sds.clone(),
                places.sds_bytes,
                cluster,
            ));
            out.extend(places.by_hash.attributes("$SDH", cluster));
            out.extend(places.by_id.attributes("$SII", cluster));
        }
        record::UPCASE => {
            out.push(data(&places.upcase, UPCASE_BYTES as u64));
            let name: Vec<u16> = "$Info".encode_utf16().collect();
            let info = UPCASE_INFO.iter().flat_map(|word| word.to_le_bytes()).collect();
            out.push(Attribute::resident(attribute::DATA, &name, info));
        }
        record::EXTEND => {
            let root = extend_root(spec.time, geometry, places);
            let name: Vec<u16> = "$I30".encode_utf16().collect();
            out.extend(index_attributes(&name, root, &[], 0, None, cluster));
        }
        record::QUOTA => {
            out.extend(
                quota_indexes(spec.time, cluster)
                    .into_iter()
                    .flat_map(|(name, root)| {
                        ViewIndex {
                            root,
                            ..ViewIndex::default()
                        }
                        .attributes(name, cluster)
                    }),
            );
        }
        record::OBJECT_IDS => out.extend(places.object_ids.attributes("$O", cluster)),
        record::REPARSE_POINTS => out.extend(places.reparse_points.attributes("$R", cluster)),
        _ => {
            out.push(descriptor(read_write_descriptor()));
            out.push(empty());
        }
    }
    super::record::sort(&mut out);
    out
}

/// Value of an index root that holds these entries.
fn small_root(indexed: u32, collation: u32, entries: &[Vec<u8>], cluster: u64) -> Vec<u8> {
    let used: usize = 16 + entries.iter().map(Vec::len).sum::<usize>() + 16;
    let mut out = Vec::new();
    for word in [
        indexed,
        collation,
        super::bytes::low32(crate::layout::INDEX_BLOCK_BYTES),
        block_units(cluster),
    ] {
        out.extend(word.to_le_bytes());
    }
    for word in [16, super::bytes::low32(used), super::bytes::low32(used), 0] {
        out.extend(word.to_le_bytes());
    }
    entries.iter().for_each(|entry| out.extend_from_slice(entry));
    out.extend([0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0]);
    out
}

/// The three children of `$Extend`.
fn extend_root(time: u64, geometry: &Geometry, places: &Places) -> Vec<u8> {
    let entries: Vec<Vec<u8>> = [record::OBJECT_IDS, record::QUOTA, record::REPARSE_POINTS]
        .into_iter()
        .map(|record| {
            let info = info(record, time, geometry, places);
            let mut entry = Vec::new();
            if let Some((name, parent)) = name_of(record) {
                let name: Vec<u16> = name.encode_utf16().collect();
                super::values::encode_name_entry(
                    reference(record, sequence(record)),
                    parent,
                    &info,
                    namespace::POSIX,
                    &name,
                    &mut entry,
                );
            }
            entry
        })
        .collect();
    small_root(
        attribute::FILE_NAME,
        crate::layout::collation::FILE_NAME,
        &entries,
        geometry.cluster,
    )
}

/// `$Quota`: no limits for anybody, nothing used by Administrators.
fn quota_indexes(time: u64, cluster: u64) -> [(&'static str, Vec<u8>); 2] {
    const ADMINISTRATORS: [u8; 16] = [1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x20, 2, 0, 0];
    const OWNER: u32 = 0x100;
    let control = |flags: u32, sid: &[u8]| {
        let mut out = Vec::new();
        for word in [2, flags] {
            out.extend(u32::to_le_bytes(word));
        }
        for word in [0, time, u64::MAX, u64::MAX, 0] {
            out.extend(u64::to_le_bytes(word));
        }
        out.extend_from_slice(sid);
        out
    };
    let entry = |key: &[u8], data: &[u8], padding: &[u8]| {
        let mut out = Vec::new();
        encode_view_entry(key, data, padding, &mut out);
        out
    };
    let owners = [entry(
        &ADMINISTRATORS,
        &OWNER.to_le_bytes(),
        &0x20u32.to_le_bytes(),
    )];
    let quotas = [
        entry(&1u32.to_le_bytes(), &control(1, &[]), &[]),
        entry(&OWNER.to_le_bytes(), &control(1, &ADMINISTRATORS), &[]),
    ];
    let collation = crate::layout::collation::SID;
    [
        ("$O", small_root(0, collation, &owners, cluster)),
        (
            "$Q",
            small_root(0, crate::layout::collation::ULONG, &quotas, cluster),
        ),
    ]
}

/// `$SECURITY_DESCRIPTOR` of the root directory when it has no security id.
pub(super) fn root_descriptor() -> Attribute {
    Attribute::resident(attribute::SECURITY_DESCRIPTOR, &[], ROOT_DESCRIPTOR.to_vec())
}

/// `$FILE_NAME` of the root directory.
pub(super) fn root_file_name(info: &FileInfo) -> Attribute {
    let name = [u16::from(b'.')];
    let mut value = Vec::new();
    let parent = reference(record::ROOT, sequence(record::ROOT));
    file_name_value(parent, info, namespace::WIN32_AND_DOS, &name, &mut value);
    Attribute::file_name(value)
}
