//! Self-relative security descriptors for Administrators and SYSTEM.
//!
//! # Source
//! \[MS-DTYP\] 2.4.6 `SECURITY_DESCRIPTOR`, 2.4.5 `ACL`, 2.4.4.2 `ACCESS_ALLOWED_ACE`; the order of parts is
//! the one observed in BCD stores.

/// S-1-5-32-544.
pub(crate) const ADMINISTRATORS: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
/// S-1-5-18.
pub(crate) const SYSTEM: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];

/// Nothing is inherited from the parent.
pub(crate) const PROTECTED: u16 = 0x1000;

/// Owner Administrators, group SYSTEM, and these two allowed: SID and access mask. `control` is added to
/// "self-relative, access list present".
pub(crate) fn descriptor(control: u16, allowed: [(&[u8], u32); 2]) -> Vec<u8> {
    const SELF_RELATIVE_WITH_DACL: u16 = 0x8004;
    let control = (SELF_RELATIVE_WITH_DACL | control).to_le_bytes();
    // Owner at 72, group at 88, no audit list, access list at 20: it is 8 + 8 + 16 + 8 + 12 bytes long.
    let mut bytes = vec![1, 0, control[0], control[1]];
    bytes.extend([72, 0, 0, 0, 88, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0]);
    bytes.extend([2, 0, 52, 0, 2, 0, 0, 0]);
    for (sid, mask) in allowed {
        let size = if sid.len() == 16 { 24 } else { 20 };
        bytes.extend([0, 0, size, 0]);
        bytes.extend(mask.to_le_bytes());
        bytes.extend(sid);
    }
    bytes.extend(ADMINISTRATORS);
    bytes.extend(SYSTEM);
    bytes
}
