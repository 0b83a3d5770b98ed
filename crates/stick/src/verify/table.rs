//! The partition table against the one that a stick of this size gets.

use partitioner::gpt::GptTable;

use super::VerifyReport;
use crate::layout::{Role, plan_disk};
use crate::{Result, Seed};

/// Compares names, attributes, places, and with a seed every GUID. The end of the Windows partition may differ: an
/// image that was written to a larger device keeps its size.
pub(super) fn check(found: &GptTable, seed: Option<Seed>, report: &mut VerifyReport) -> Result<()> {
    let expected = match plan_disk(
        seed.unwrap_or(Seed(0)),
        found.size_bytes,
        found.sector_bytes,
        1 << 20,
    ) {
        Ok(expected) => expected,
        Err(error) => {
            report.add("gpt-differs", "partition table", error);
            return Ok(());
        }
    };
    let mut differs = |place: String, what: &str, found: String, expected: String| {
        if found != expected {
            report.add(
                "gpt-differs",
                place,
                format_args!("{what} {found}, expected {expected}"),
            );
        }
    };
    if seed.is_some() {
        let (found, expected) = (found.disk_guid, expected.disk_guid);
        differs(
            "partition table".to_owned(),
            "disk GUID",
            found.to_string(),
            expected.to_string(),
        );
    }
    for (index, (found, expected)) in found.partitions.iter().zip(&expected.partitions).enumerate() {
        let mut field = |what: &str, found: String, expected: String| {
            differs(format!("partition {}", index + 1), what, found, expected);
        };
        field("number", found.number.to_string(), expected.number.to_string());
        field(
            "type",
            found.type_guid.to_string(),
            expected.type_guid.to_string(),
        );
        field(
            "name",
            format!("{:?}", found.name),
            format!("{:?}", expected.name),
        );
        field(
            "attributes",
            format!("{:#x}", found.attributes),
            format!("{:#x}", expected.attributes),
        );
        field(
            "first LBA",
            found.first_lba.to_string(),
            expected.first_lba.to_string(),
        );
        if index != Role::Windows.index() {
            field(
                "last LBA",
                found.last_lba.to_string(),
                expected.last_lba.to_string(),
            );
        }
        if seed.is_some() {
            field("GUID", found.guid.to_string(), expected.guid.to_string());
        }
    }
    Ok(())
}
