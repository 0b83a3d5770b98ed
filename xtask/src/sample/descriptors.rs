//! Security descriptors as Windows has them on its own files.

/// Who: the identifier authority and the sub-authorities of a SID.
type Sid = (u8, &'static [u32]);

const EVERYONE: Sid = (1, &[0]);
const CREATOR_OWNER: Sid = (3, &[0]);
const SYSTEM: Sid = (5, &[18]);
const ADMINISTRATORS: Sid = (5, &[32, 544]);
const USERS: Sid = (5, &[32, 545]);
const ALL_PACKAGES: Sid = (15, &[2, 1]);
const TRUSTED_INSTALLER: Sid = (
    5,
    &[
        80,
        956_008_885,
        3_418_522_649,
        1_831_038_044,
        1_853_292_631,
        2_271_478_464,
    ],
);
const MEDIUM_LABEL: Sid = (16, &[8192]);

const FULL: u32 = 0x001f_01ff;
const MODIFY: u32 = 0x0013_01bf;
const READ_EXECUTE: u32 = 0x0012_00a9;
const GENERIC_ALL: u32 = 0x1000_0000;
const LIST: u32 = 0x1;

const ALLOW: u8 = 0;
const DENY: u8 = 1;
const LABEL: u8 = 0x11;
const INHERIT_ALL: u8 = 0x3;
const INHERIT_ONLY_ALL: u8 = 0xb;
const INHERITED: u8 = 0x10;

/// One entry of an access control list: type, flags, rights, whom.
type Ace = (u8, u8, u32, Sid);

/// The descriptor of what lies at a path.
pub(crate) fn of(path: &str) -> Vec<u8> {
    let windows = path.starts_with("Windows/");
    let folder_of_users = path.starts_with("Users/");
    match path {
        "Windows" | "Program Files" | "Program Files (x86)" => trusted_folder(),
        _ if path.starts_with("Windows/System32/config") => build(
            ADMINISTRATORS,
            &[
                (ALLOW, INHERIT_ALL, FULL, SYSTEM),
                (ALLOW, INHERIT_ALL, FULL, ADMINISTRATORS),
            ],
            &[],
        ),
        _ if path.starts_with("Windows/System32/Tasks") => build(
            ADMINISTRATORS,
            &[
                (ALLOW, INHERIT_ALL, FULL, ADMINISTRATORS),
                (ALLOW, 0, READ_EXECUTE, USERS),
                (ALLOW, INHERIT_ONLY_ALL, GENERIC_ALL, CREATOR_OWNER),
            ],
            &[(LABEL, INHERIT_ALL, 1, MEDIUM_LABEL)],
        ),
        _ if windows => trusted_file(),
        "Documents and Settings" | "Users/All Users" | "Users/Default User" => build(
            SYSTEM,
            &[
                (DENY, 0, LIST, EVERYONE),
                (ALLOW, 0, READ_EXECUTE, EVERYONE),
                (ALLOW, 0, FULL, SYSTEM),
            ],
            &[],
        ),
        _ if folder_of_users && path.contains("Empty list") => build(ADMINISTRATORS, &[], &[]),
        _ if folder_of_users => build(
            SYSTEM,
            &[
                (ALLOW, INHERIT_ALL | INHERITED, FULL, SYSTEM),
                (ALLOW, INHERIT_ALL | INHERITED, FULL, ADMINISTRATORS),
                (ALLOW, INHERIT_ALL | INHERITED, READ_EXECUTE, USERS),
            ],
            &[],
        ),
        _ => build(
            ADMINISTRATORS,
            &[
                (ALLOW, INHERIT_ALL, FULL, ADMINISTRATORS),
                (ALLOW, INHERIT_ALL, FULL, SYSTEM),
                (ALLOW, INHERIT_ALL, MODIFY, USERS),
            ],
            &[],
        ),
    }
}

fn trusted_file() -> Vec<u8> {
    build(
        TRUSTED_INSTALLER,
        &[
            (ALLOW, 0, FULL, TRUSTED_INSTALLER),
            (ALLOW, 0, READ_EXECUTE, ADMINISTRATORS),
            (ALLOW, 0, READ_EXECUTE, SYSTEM),
            (ALLOW, 0, READ_EXECUTE, USERS),
            (ALLOW, 0, READ_EXECUTE, ALL_PACKAGES),
        ],
        &[],
    )
}

fn trusted_folder() -> Vec<u8> {
    build(
        TRUSTED_INSTALLER,
        &[
            (ALLOW, 0, FULL, TRUSTED_INSTALLER),
            (ALLOW, INHERIT_ONLY_ALL, GENERIC_ALL, TRUSTED_INSTALLER),
            (ALLOW, 0, MODIFY, SYSTEM),
            (ALLOW, INHERIT_ONLY_ALL, GENERIC_ALL, SYSTEM),
            (ALLOW, 0, READ_EXECUTE, USERS),
            (ALLOW, INHERIT_ONLY_ALL, GENERIC_ALL, CREATOR_OWNER),
        ],
        &[],
    )
}

/// A self-relative descriptor: header, lists, owner, group.
///
/// # Source
/// [MS-DTYP] 2.4.2, 2.4.4, 2.4.5, 2.4.6
fn build(owner: Sid, dacl: &[Ace], sacl: &[Ace]) -> Vec<u8> {
    const SELF_RELATIVE: u16 = 0x8000;
    const DACL_PRESENT: u16 = 0x4;
    const SACL_PRESENT: u16 = 0x10;
    const HEADER_BYTES: usize = 20;
    let mut body = Vec::new();
    let mut place = |part: Vec<u8>| {
        let offset = u32::try_from(HEADER_BYTES + body.len()).unwrap_or(0);
        body.extend_from_slice(&part);
        offset
    };
    let sacl_at = if sacl.is_empty() { 0 } else { place(list(sacl)) };
    let dacl_at = place(list(dacl));
    let owner_at = place(sid(owner));
    let group_at = place(sid(SYSTEM));
    let mut control = SELF_RELATIVE | DACL_PRESENT;
    if !sacl.is_empty() {
        control |= SACL_PRESENT;
    }
    let mut bytes = vec![1, 0];
    bytes.extend_from_slice(&control.to_le_bytes());
    for offset in [owner_at, group_at, sacl_at, dacl_at] {
        bytes.extend_from_slice(&offset.to_le_bytes());
    }
    bytes.extend_from_slice(&body);
    bytes
}

fn list(entries: &[Ace]) -> Vec<u8> {
    const REVISION: u16 = 2;
    let mut body = Vec::new();
    for (kind, flags, rights, whom) in entries {
        let whom = sid(*whom);
        body.extend_from_slice(&[*kind, *flags]);
        body.extend_from_slice(&u16::try_from(8 + whom.len()).unwrap_or(0).to_le_bytes());
        body.extend_from_slice(&rights.to_le_bytes());
        body.extend_from_slice(&whom);
    }
    let mut bytes = REVISION.to_le_bytes().to_vec();
    bytes.extend_from_slice(&u16::try_from(8 + body.len()).unwrap_or(0).to_le_bytes());
    bytes.extend_from_slice(&u16::try_from(entries.len()).unwrap_or(0).to_le_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&body);
    bytes
}

fn sid((authority, parts): Sid) -> Vec<u8> {
    let count = u8::try_from(parts.len()).unwrap_or(0);
    let mut bytes = vec![1, count, 0, 0, 0, 0, 0, authority];
    for part in parts {
        bytes.extend_from_slice(&part.to_le_bytes());
    }
    bytes
}
