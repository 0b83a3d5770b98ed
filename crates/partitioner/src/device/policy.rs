//! Which devices may be erased. Pure: the same device and request, the same answer.

use super::model::{Device, DeviceKind};
use super::parse::DeviceNumber;
use crate::Finding;

/// What is to be done with a device.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The name given to `--erase`.
    pub erase: Option<&'a str>,
    /// Bytes that will be needed; 0 when that is not known yet.
    pub need_bytes: u64,
    /// Devices on which the sources lie, or which they are.
    pub source_devices: &'a [DeviceNumber],
}

/// Mount points that make a disk the system's own.
const SYSTEM_MOUNTS: [&str; 8] = ["/", "/boot", "/boot/efi", "/efi", "/usr", "/var", "/home", "/nix"];

/// Everything that speaks against erasing a device, the name included; empty means yes. `all` are the machine's
/// devices, to see whether a name fits more than one.
#[must_use]
pub fn check(device: &Device, request: &Request<'_>, all: &[Device]) -> Vec<Finding> {
    let mut findings = check_safe(device, request);
    findings.extend(check_name(device, request.erase, all));
    findings
}

/// Everything but the name. Codes: `not-a-whole-disk`, `not-removable`, `read-only`, `system-disk`, `mounted`,
/// `swap`, `held`, `holds-source`, `too-small`, `sector-size`.
#[must_use]
pub fn check_safe(device: &Device, request: &Request<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |code, message: String| findings.push(Finding::new(code, message));
    match device.kind {
        DeviceKind::Disk | DeviceKind::Loop => {}
        DeviceKind::Partition => add(
            "not-a-whole-disk",
            "it is a partition; give the whole disk".into(),
        ),
        DeviceKind::Other => add(
            "not-a-whole-disk",
            "it is neither a disk nor a loop device".into(),
        ),
    }
    if device.kind == DeviceKind::Disk && !may_leave(device) {
        add(
            "not-removable",
            "it is an internal disk; only USB disks, cards, removable disks and loop devices are written"
                .into(),
        );
    }
    if device.read_only {
        add("read-only", "it is write-protected".into());
    }
    let system = device
        .mounts
        .iter()
        .find(|m| SYSTEM_MOUNTS.contains(&m.mount_point.as_str()));
    if let Some(mount) = system {
        add(
            "system-disk",
            format!(
                "the running system is on it: {} is mounted at {}",
                mount.device, mount.mount_point
            ),
        );
    } else if !device.mounts.is_empty() {
        let list: Vec<String> = device
            .mounts
            .iter()
            .map(|m| format!("{} at {}", m.device, m.mount_point))
            .collect();
        add("mounted", format!("it is mounted: {}", list.join(", ")));
    }
    if !device.swaps.is_empty() {
        add("swap", format!("it is used as swap: {}", device.swaps.join(", ")));
    }
    if !device.holders.is_empty() {
        add("held", format!("it is in use by {}", device.holders.join(", ")));
    }
    if request.source_devices.iter().any(|n| device.members.contains(n)) {
        add("holds-source", "the source lies on it".into());
    }
    if device.size_bytes < request.need_bytes {
        add(
            "too-small",
            format!(
                "it has {} bytes, {} are needed",
                device.size_bytes, request.need_bytes
            ),
        );
    }
    if !matches!(device.logical_sector_bytes, 512 | 4096) {
        add(
            "sector-size",
            format!(
                "its sectors have {} bytes; only 512 and 4096 are supported",
                device.logical_sector_bytes
            ),
        );
    }
    findings
}

/// Whether the disk was named again, by something that belongs to it and to nothing else. Codes: `not-named`,
/// `named-otherwise`, `ambiguous-name`, `no-name`.
#[must_use]
pub fn check_name(device: &Device, erase: Option<&str>, all: &[Device]) -> Vec<Finding> {
    let names: Vec<&str> = device.erase_names().collect();
    let finding = match erase {
        _ if names.is_empty() => Finding::new(
            "no-name",
            "it has neither a by-id name nor a serial number, so it cannot be told from another disk",
        ),
        None => Finding::new(
            "not-named",
            format!(
                "everything on it would be lost; name it again with --erase: {}",
                names.join(" or ")
            ),
        ),
        Some(name) if !device.is_called(name) => Finding::new(
            "named-otherwise",
            format!(
                "--erase {} is not its name: {}",
                super::printable(name),
                names.join(" or ")
            ),
        ),
        Some(name)
            if all
                .iter()
                .any(|other| other.number != device.number && other.is_called(name)) =>
        {
            Finding::new(
                "ambiguous-name",
                format!("another disk is called {} too", super::printable(name)),
            )
        }
        Some(_) => return Vec::new(),
    };
    vec![finding]
}

/// Whether a disk can be taken out of the computer. The bus is believed before the removable flag: USB SSDs leave
/// the flag off, and some internal disks set it.
fn may_leave(device: &Device) -> bool {
    device.transport.is_external() || (device.removable && !device.transport.is_internal())
}
