//! Single faults: each with a name, one of the codes it must be noticed by, and the edit that makes it.

use ntfs_image::check::Code;
use ntfs_image::read::{FileName, RawEntry};

use super::editor::{Editor, put_u16, put_u32, put_u64, read_u32, read_u64};

/// One fault.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) code: Code,
    pub(crate) inject: fn(&mut Editor),
}

const SI: u32 = 0x10;
const LIST: u32 = 0x20;
const FN: u32 = 0x30;
const OBJECT_ID: u32 = 0x40;
const DATA: u32 = 0x80;
const ROOT: u32 = 0x90;
const ALLOCATION: u32 = 0xa0;
const BITMAP: u32 = 0xb0;
const REPARSE: u32 = 0xc0;

const KERNEL: &str = r"Windows\System32\kernel.dll";
const SMALL: &str = r"Windows\size-100";
const MANY: &str = "many names";
const MANIFEST: &str = "component-700-of-a-long-name.manifest";
const SPARSE: &str = r"names\sparse";
const LINKED: &str = r"Windows\WinSxS\linked.dll";

fn named(name: &'static str) -> impl Fn(&RawEntry<'_>) -> bool {
    move |entry| FileName::parse(entry.key).is_some_and(|key| String::from_utf16_lossy(&key.name) == name)
}

/// A leaf entry of the large directory; of neighbours one at most is in an interior node.
fn component(entry: &RawEntry<'_>) -> bool {
    let name = FileName::parse(entry.key).map(|key| String::from_utf16_lossy(&key.name));
    let wanted = |name: &str| name.starts_with("component-70") && name.len() == MANIFEST.len();
    entry.child.is_none() && name.is_some_and(|name| wanted(&name))
}

fn any_key(entry: &RawEntry<'_>) -> bool {
    !entry.is_last()
}

fn kernel_entry(editor: &mut Editor, edit: impl FnOnce(&mut [u8])) {
    let directory = editor.record_of(r"Windows\System32");
    editor.entry(directory, "$I30", named("kernel.dll"), edit);
}

fn many_entry(editor: &mut Editor, edit: impl FnOnce(&mut [u8])) {
    let directory = editor.record_of(MANY);
    editor.entry(directory, "$I30", component, edit);
}

fn many_node(editor: &mut Editor, edit: impl FnOnce(&mut [u8], usize, usize)) {
    let directory = editor.record_of(MANY);
    editor.node(directory, "$I30", component, edit);
}

fn kernel_data(editor: &mut Editor, edit: impl FnOnce(&mut [u8])) {
    let number = editor.record_of(KERNEL);
    editor.edit(number, DATA, "", edit);
}

fn small_record(editor: &mut Editor, edit: impl FnOnce(&mut [u8])) {
    let number = editor.record_of(SMALL);
    editor.record(number, edit);
}

fn extend(editor: &Editor, name: &str) -> u64 {
    editor.record_of(&format!(r"$Extend\{name}"))
}

/// Bit of a cluster in `$Bitmap`: byte on the volume, mask.
fn cluster_bit(editor: &Editor, cluster: u64) -> (u64, u8) {
    (editor.data_at(6, DATA, "", cluster / 8), 1 << (cluster % 8))
}

fn first_cluster(editor: &Editor, path: &str) -> u64 {
    editor.data_at(editor.record_of(path), DATA, "", 0) / editor.cluster_bytes()
}

/// Byte on the volume of the `$SDS` entry of the first file descriptor, in copy 0 or 1.
fn sds(editor: &Editor, copy: u64) -> u64 {
    editor.data_at(9, DATA, "$SDS", copy * 0x4_0000)
}

/// The base record of the file with an attribute list, and a record that extends it.
fn listed(editor: &Editor) -> (u64, u64) {
    let base = editor.record_of(LINKED);
    let file = editor.volume().file(base).expect("file");
    let other = file
        .attributes
        .iter()
        .find(|a| a.record != base)
        .expect("an extension record");
    (base, other.record)
}

/// Edits the attribute list, resident or not.
fn edit_list(editor: &mut Editor, edit: impl FnOnce(&mut [u8])) {
    let (base, _) = listed(editor);
    let file = editor.volume().file(base).expect("file");
    let list = file.attribute(LIST, &[]).expect("list");
    let at = editor.data_at(base, LIST, "", 0);
    let mut bytes = editor.bytes[at as usize..(at + list.size_bytes()) as usize].to_vec();
    edit(&mut bytes);
    if list.resident().is_some() {
        editor.value(base, LIST, "", |value| {
            value[..bytes.len()].copy_from_slice(&bytes);
        });
    } else {
        editor.write(at, &bytes);
    }
}

/// Offset of the last entry of an attribute list.
fn last_list_entry(list: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let next = at + usize::from(u16::from_le_bytes([list[at + 4], list[at + 5]]));
        if next + 26 > list.len() {
            return at;
        }
        at = next;
    }
}

fn free_record(editor: &Editor) -> u64 {
    let mut volume = editor.volume();
    (24..volume.record_count())
        .find(|&number| volume.record(number).is_ok_and(|record| !record.is_in_use()))
        .expect("a free record")
}

fn mft_bit(editor: &Editor, number: u64) -> (u64, u8) {
    (editor.data_at(0, BITMAP, "", number / 8), 1 << (number % 8))
}

macro_rules! faults {
    ($($name:literal $code:ident |$editor:ident| $inject:expr;)*) => {
        &[$(Fault {
            name: $name,
            code: Code::$code,
            inject: |$editor: &mut Editor| { $inject },
        }),*]
    };
}

/// Faults in the volume that wimlib wrote.
pub(crate) const FAULTS: &[Fault] = faults! {
    // Boot sectors and mirror.
    "boot: signature" BootPrimary |e| e.write(3, b"FAT32   ");
    "boot: backup differs" BootBackup |e| { let at = e.volume().boot().backup_offset(); e.flip(at + 0x50, 1) };
    "boot: more sectors than there are" VolumeSize |e| { let mut b = e.bytes[0x28..0x30].to_vec(); b[3] = 7; e.write(0x28, &b) };
    "boot: reserved field" BootField |e| e.write(0x0e, &[1]);
    "boot: MFT elsewhere" MftPlace |e| { let lcn = e.bytes[0x38]; let b = [lcn, e.bytes[0x39]]; e.write(0x30, &b) };
    "boot: mirror elsewhere" MirrorPlace |e| e.flip(0x38, 1);
    "mirror: one byte" MirrorDiffers |e| { let b = *e.volume().boot(); e.flip(b.cluster_offset(b.mft_mirror_lcn) + 0x408, 4) };
    // Records.
    "record: signature" RecordSignature |e| { let at = e.record_at(e.record_of(SMALL)); e.write(at, b"BAAD") };
    "record: torn" RecordFixup |e| { let at = e.record_at(e.record_of(SMALL)); e.flip(at + 510, 0x55) };
    "record: allocated size" RecordHeader |e| small_record(e, |r| put_u32(r, 0x1c, 2048));
    "record: number" RecordNumber |e| small_record(e, |r| r[0x2c] ^= 1);
    "record: bytes in use 8 more" RecordUsed |e| small_record(e, |r| { let used = read_u32(r, 0x18); put_u32(r, 0x18, used + 8) });
    "record: bytes in use 4 less" RecordUsed |e| small_record(e, |r| { let used = read_u32(r, 0x18); put_u32(r, 0x18, used - 4) });
    "record: link count" RecordLinks |e| small_record(e, |r| r[0x12] += 1);
    "record: link count without the DOS name" RecordLinks |e| { let n = e.record_of(KERNEL); e.record(n, |r| r[0x12] -= 1) };
    "record: not in use" EntryTarget |e| small_record(e, |r| r[0x16] &= !1);
    "record: directory flag lost" RecordFlags |e| { let n = e.record_of(r"deep\a\b"); e.record(n, |r| r[0x16] &= !2) };
    "record: directory flag on a file" RecordFlags |e| small_record(e, |r| r[0x16] |= 2);
    "record: $Secure without view index flag" RecordFlags |e| e.record(9, |r| r[0x16] &= !8);
    "record: $Reparse without view index flag" RecordFlags |e| { let n = extend(e, "$Reparse"); e.record(n, |r| r[0x16] &= !8) };
    "record: sequence number" EntryTarget |e| small_record(e, |r| r[0x10] += 1);
    "record: sequence number 0" RecordHeader |e| small_record(e, |r| put_u16(r, 0x10, 0));
    "record: base of nothing" RecordBase |e| small_record(e, |r| put_u64(r, 0x20, 27 | 7 << 48));
    "record: next instance too small" AttributeInstance |e| small_record(e, |r| put_u16(r, 0x28, 0));
    "record: marked free" MftBitmap |e| { let (at, mask) = mft_bit(e, e.record_of(SMALL)); e.flip(at, mask) };
    "record: free, marked in use" MftBitmap |e| { let (at, mask) = mft_bit(e, free_record(e)); e.flip(at, mask) };
    "record: beyond the MFT, marked in use" MftBitmap |e| { let (at, mask) = mft_bit(e, e.volume().record_count() + 1); e.flip(at, mask) };
    // Attributes.
    "attribute: instance twice" AttributeInstance |e| { let (at, _) = e.attribute(e.record_of(SMALL), FN, ""); small_record(e, |r| put_u16(r, at + 14, 0)) };
    "attribute: unknown type" AttributeType |e| { let n = e.record_of(SMALL); e.edit(n, DATA, "", |a| put_u32(a, 0, 0x88)) };
    "attribute: out of order" AttributeOrder |e| { let n = e.record_of(SMALL); e.edit(n, FN, "", |a| put_u32(a, 0, 0xc0)) };
    "attribute: length" AttributeHeader |e| { let n = e.record_of(SMALL); e.edit(n, DATA, "", |a| put_u32(a, 4, 0x7000)) };
    "attribute: value longer than it" AttributeHeader |e| { let n = e.record_of(SMALL); e.edit(n, DATA, "", |a| put_u32(a, 16, 5000)) };
    "attribute: name not marked indexed" AttributeHeader |e| { let n = e.record_of(SMALL); e.edit(n, FN, "", |a| a[22] = 0) };
    "attribute: unknown flags" AttributeFlags |e| kernel_data(e, |a| put_u16(a, 12, 0x0100));
    "attribute: no standard information" AttributeMissing |e| { let n = e.record_of(SMALL); e.edit(n, SI, "", |a| put_u32(a, 0, 0x08)) };
    "attribute: length of standard information" StandardInformation |e| { let n = e.record_of(SMALL); e.edit(n, SI, "", |a| put_u32(a, 16, 56)) };
    // Attribute lists.
    "list: record" ListEntry |e| edit_list(e, |l| { let at = last_list_entry(l); l[at + 16] ^= 0x40 });
    "list: sequence" ListEntry |e| edit_list(e, |l| { let at = last_list_entry(l); l[at + 22] ^= 0x40 });
    "list: instance" ListEntry |e| edit_list(e, |l| { let at = last_list_entry(l); l[at + 24] ^= 0x40 });
    "list: lowest VCN" ListEntry |e| edit_list(e, |l| { let at = last_list_entry(l); l[at + 8] ^= 1 });
    "list: entry length" ListEntry |e| edit_list(e, |l| { let at = last_list_entry(l); put_u16(l, at + 4, 4) });
    "list: an entry for another attribute" ListMissing |e| edit_list(e, |l| { let first = usize::from(l[4]); let entry = l[first..first * 2].to_vec(); let second = first + usize::from(entry[4]); if l[second + 4] == entry[4] { l.copy_within(first..first + usize::from(entry[4]), second) } else { l[24] ^= 0x40 } });
    "list: base of the extension" RecordBase |e| { let (_, n) = listed(e); e.record(n, |r| put_u64(r, 0x20, 27 | 1 << 48)) };
    "list: extension not in use" ListEntry |e| { let (_, n) = listed(e); e.record(n, |r| r[0x16] &= !1) };
    // Runs and sizes.
    "runs: outside the volume" RunsRange |e| kernel_data(e, |a| { let at = usize::from(a[0x20]); let len = usize::from(a[at] & 15); let end = at + len + usize::from(a[at] >> 4); a[end] = 0x7f });
    "runs: clusters of another file" ClusterShared |e| { let lcn = first_cluster(e, LINKED); kernel_data(e, |a| { let at = usize::from(a[0x20]) + 1 + usize::from(a[usize::from(a[0x20])] & 15); put_u16(a, at, lcn as u16) }) };
    "runs: bad header" RunsInvalid |e| kernel_data(e, |a| { let at = usize::from(a[0x20]); a[at] = 0xff });
    "runs: length" RunsVcn |e| kernel_data(e, |a| { let at = usize::from(a[0x20]); a[at + 1] -= 1 });
    "runs: highest VCN" RunsVcn |e| kernel_data(e, |a| a[0x18] += 1);
    "runs: a hole without the sparse flag" RunsHole |e| { let n = e.record_of(SPARSE); e.edit(n, DATA, "", |a| put_u16(a, 12, 0)) };
    "size: allocated" SizeAllocated |e| kernel_data(e, |a| { let v = read_u64(a, 0x28); put_u64(a, 0x28, v + 4096) });
    "size: not whole clusters" SizeFields |e| kernel_data(e, |a| { let v = read_u64(a, 0x28); put_u64(a, 0x28, v + 100) });
    "size: beyond allocated" SizeFields |e| kernel_data(e, |a| { let v = read_u64(a, 0x28); put_u64(a, 0x30, v + 1) });
    "size: initialized beyond size" SizeFields |e| kernel_data(e, |a| { let v = read_u64(a, 0x30); put_u64(a, 0x38, v + 1) });
    "size: total allocated" SizeTotal |e| { let n = e.record_of(SPARSE); e.edit(n, DATA, "", |a| { let v = read_u64(a, 0x40); put_u64(a, 0x40, v + 4096) }) };
    "size: another than in the directory" EntrySize |e| kernel_data(e, |a| { let v = read_u64(a, 0x30); put_u64(a, 0x30, v - 1); put_u64(a, 0x38, v - 1) });
    "standard information: sparse lost" FileAttributes |e| { let n = e.record_of(SPARSE); e.value(n, SI, "", |v| v[0x21] &= !2) };
    // $Bitmap.
    "bitmap: used marked free" ClusterNotMarked |e| { let (at, mask) = cluster_bit(e, first_cluster(e, KERNEL)); e.flip(at, mask) };
    "bitmap: free marked used" ClusterNotOwned |e| { let last = e.volume().boot().cluster_count() - 2; let (at, mask) = cluster_bit(e, last); e.flip(at, mask) };
    "bitmap: tail" BitmapTail |e| { let past = e.volume().boot().cluster_count(); let (at, mask) = cluster_bit(e, past); e.flip(at, mask) };
    "bitmap: short" BitmapSize |e| e.edit(6, DATA, "", |a| { let v = read_u64(a, 0x30); put_u64(a, 0x30, v - 8); put_u64(a, 0x38, v - 8) });
    // Index trees.
    "index: two entries swapped" IndexOrder |e| many_node(e, |n, at, len| { let next = usize::from(u16::from_le_bytes([n[at + len + 8], n[at + len + 9]])); n[at..at + len + next].rotate_left(len) });
    "index: block signature" IndexBlock |e| { let d = e.record_of(MANY); let at = e.data_at(d, ALLOCATION, "$I30", 4096); e.write(at, b"JUNK") };
    "index: block torn" IndexBlock |e| { let d = e.record_of(MANY); let at = e.data_at(d, ALLOCATION, "$I30", 4096); e.flip(at + 1022, 0x55) };
    "index: VCN of a block" IndexBlock |e| many_node(e, |n, _, _| n[0x10] ^= 1);
    "index: bytes in use" IndexNode |e| many_node(e, |n, _, _| { let v = read_u32(n, 0x1c); put_u32(n, 0x1c, v + 8) });
    "index: bytes allocated" IndexNode |e| many_node(e, |n, _, _| { let v = read_u32(n, 0x20); put_u32(n, 0x20, v - 8) });
    "index: entry length" IndexEntry |e| many_entry(e, |n| put_u16(n, 8, 8));
    "index: entry length beyond the next" IndexEntry |e| many_node(e, |n, at, len| { let next = u16::from_le_bytes([n[at + len + 8], n[at + len + 9]]); put_u16(n, at + 8, len as u16 + next); });
    "index: key length" IndexEntry |e| many_entry(e, |n| { let v = u16::from_le_bytes([n[10], n[11]]); put_u16(n, 10, v + 40) });
    "index: child flag on a leaf entry" IndexChild |e| many_entry(e, |n| n[12] |= 1);
    "index: last flag in the middle" IndexNode |e| many_entry(e, |n| n[12] |= 2);
    "index: child elsewhere" IndexBlock |e| { let d = e.record_of(MANY); e.entry(d, "$I30", |x| x.child.is_some(), |n| { let at = n.len() - 8; put_u64(n, at, 100_000) }) };
    "index: child twice" IndexChild |e| { let d = e.record_of(MANY); let mut first = None; let (_, _, _) = e.find_entry(d, "$I30", |x| x.child.is_some()); e.entry(d, "$I30", |x| x.child.is_some(), |n| { let at = n.len() - 8; first = Some(read_u64(n, at)) }); let vcn = first.expect("child"); e.entry(d, "$I30", |x| x.child.is_some_and(|c| c != vcn), |n| { let at = n.len() - 8; put_u64(n, at, vcn) }) };
    "index: block marked free" IndexBitmap |e| { let d = e.record_of(MANY); e.value(d, BITMAP, "$I30", |v| v[0] &= !2) };
    "index: free block marked" IndexBitmap |e| { let d = e.record_of(MANY); e.value(d, BITMAP, "$I30", |v| { let last = v.len() - 1; v[last.min(23)] |= 0x80 }) };
    "index: collation rule" IndexRoot |e| { let d = e.record_of(r"deep\a"); e.value(d, ROOT, "$I30", |v| put_u32(v, 4, 2)) };
    "index: block size" IndexRoot |e| { let d = e.record_of(r"deep\a"); e.value(d, ROOT, "$I30", |v| put_u32(v, 8, 8192)) };
    "index: block size in other units" IndexUnits |e| { let d = e.record_of(r"deep\a"); e.value(d, ROOT, "$I30", |v| v[12] = 8) };
    "index: type" IndexRoot |e| { let d = e.record_of(r"deep\a"); e.value(d, ROOT, "$I30", |v| put_u32(v, 0, 0x80)) };
    "index: root says it has children" AttributeMissing |e| { let d = e.record_of(r"deep\a"); e.value(d, ROOT, "$I30", |v| v[28] |= 1) };
    // Directory entries.
    "entry: removed" NameNotIndexed |e| { let d = e.record_of(MANY); e.remove_entry(d, "$I30", component) };
    "entry: reference to a free record" EntryTarget |e| { let free = free_record(e); many_entry(e, |n| put_u64(n, 0, free | 1 << 48)) };
    "entry: reference to another file" EntryName |e| { let other = e.record_of(SMALL); many_entry(e, |n| put_u64(n, 0, other | 1 << 48)) };
    "entry: sequence" EntryTarget |e| many_entry(e, |n| n[6] ^= 2);
    "entry: parent" EntryParent |e| many_entry(e, |n| n[16] ^= 1);
    "entry: case of the name" EntryName |e| many_entry(e, |n| n[0x52] ^= 0x20);
    "entry: another name" EntryName |e| many_entry(e, |n| n[0x52 + 30] = b'z');
    "entry: namespace" EntryNamespace |e| many_entry(e, |n| n[0x51] ^= 1);
    "entry: size" EntrySize |e| kernel_entry(e, |n| n[0x40] ^= 1);
    "entry: allocated size" EntrySize |e| kernel_entry(e, |n| n[0x39] ^= 0x10);
    "entry: directory flag" EntryAttributes |e| kernel_entry(e, |n| n[0x4b] ^= 0x10);
    "entry: reparse tag" EntryAttributes |e| e.entry(5, "$I30", named("junction"), |n| n[0x4c] ^= 1);
    // Names.
    "name: illegal character" NameCharacters |e| { let n = e.record_of(r"Windows\System32\kernel.dll"); e.value(n, FN, "", |v| { v[0x41] = 1; v[0x42] = b'?' }) };
    "name: parent" NameParent |e| { let n = e.record_of(SMALL); let file = e.record_of(KERNEL); e.value(n, FN, "", |v| put_u64(v, 0, file | 1 << 48)) };
    "name: sequence of the parent" NameParent |e| { let n = e.record_of(r"many names\component-700-of-a-long-name.manifest"); e.value(n, FN, "", |v| v[6] ^= 2) };
    "name: namespace differs" EntryNamespace |e| { let n = e.record_of(r"many names\component-700-of-a-long-name.manifest"); e.value(n, FN, "", |v| v[0x41] ^= 1) };
    "name: DOS name alone" NameAlias |e| { let n = e.record_of(r"many names\component-700-of-a-long-name.manifest"); e.value(n, FN, "", |v| v[0x41] = 2) };
    "name: length" NameValue |e| { let n = e.record_of(SMALL); e.value(n, FN, "", |v| v[0x40] -= 1) };
    "tree: directory in itself" TreeCycle |e| { let inner = e.record_of(r"deep\a\b\c"); let n = e.record_of(r"deep\a"); let r = e.volume().record(inner).expect("record").reference().to_raw(); e.value(n, FN, "", |v| put_u64(v, 0, r)) };
    // $Secure.
    "security: hash in $SDS" SecurityEntry |e| { let at = sds(e, 0); e.flip(at, 1) };
    "security: hash in both copies and both indexes" SecurityHash |e| {
        let hash = u32::from_le_bytes(e.bytes[sds(e, 0) as usize..][..4].try_into().expect("hash")) ^ 1;
        for copy in 0..2 { let at = sds(e, copy); e.write(at, &hash.to_le_bytes()); }
        e.entry(9, "$SII", any_key, |n| { let at = usize::from(n[0]); put_u32(n, at, hash) });
        e.entry(9, "$SDH", |x| x.key.get(4..8) == Some(&[0, 1, 0, 0]), |n| { let at = usize::from(n[0]); put_u32(n, at, hash); put_u32(n, 16, hash) });
    };
    "security: id in $SDS" SecurityEntry |e| { let at = sds(e, 0); e.flip(at + 4, 0x10) };
    "security: offset in $SDS" SecurityEntry |e| { let at = sds(e, 0); e.flip(at + 8, 0x10) };
    "security: length in $SDS" SecurityEntry |e| { let at = sds(e, 0); e.flip(at + 16, 4) };
    "security: second copy" SecurityMirror |e| { let at = sds(e, 1); e.flip(at + 40, 1) };
    "security: descriptor in one copy" SecurityHash |e| { let at = sds(e, 0); e.flip(at + 40, 1) };
    "security: revision of a descriptor" SecurityDescriptor |e| for copy in 0..2 { let at = sds(e, copy); e.flip(at + 20, 2) };
    "security: owner outside of the descriptor" SecurityDescriptor |e| for copy in 0..2 { let at = sds(e, copy); e.write(at + 24, &[0, 0, 1, 0]) };
    "security: offset in $SII" SecurityIndex |e| e.entry(9, "$SII", any_key, |n| { let at = usize::from(n[0]) + 8; n[at] ^= 0x10 });
    "security: id not in $SII" SecurityIndex |e| e.remove_entry(9, "$SII", |x| x.child.is_none() && any_key(x));
    "security: id not in $SDH" SecurityIndex |e| e.remove_entry(9, "$SDH", |x| x.child.is_none() && any_key(x));
    "security: hash in $SDH" SecurityIndex |e| e.entry(9, "$SDH", any_key, |n| n[16] ^= 1);
    "security: id of a file" SecurityId |e| { let n = e.record_of(SMALL); e.value(n, SI, "", |v| put_u32(v, 0x34, 0x999)) };
    "security: no id" SecurityMissing |e| { let n = e.record_of(SMALL); e.value(n, SI, "", |v| put_u32(v, 0x34, 0)) };
    "security: collation of $SDH" IndexRoot |e| e.value(9, ROOT, "$SDH", |v| put_u32(v, 4, 0x10));
    // Reparse points and object ids.
    "reparse: tag in $Reparse" ReparseIndex |e| { let n = extend(e, "$Reparse"); e.entry(n, "$R", any_key, |x| x[16] ^= 0x40) };
    "reparse: file in $Reparse" ReparseIndex |e| { let n = extend(e, "$Reparse"); e.entry(n, "$R", any_key, |x| x[20] ^= 1) };
    "reparse: not in $Reparse" ReparseIndex |e| { let n = extend(e, "$Reparse"); e.remove_entry(n, "$R", any_key) };
    "reparse: tag in the file" ReparseIndex |e| { let n = e.record_of("junction"); e.value(n, REPARSE, "", |v| v[0] ^= 0x40) };
    "reparse: length" ReparseValue |e| { let n = e.record_of("junction"); e.value(n, REPARSE, "", |v| v[4] ^= 0x40) };
    "reparse: attribute lost" FileAttributes |e| { let n = e.record_of("junction"); e.value(n, SI, "", |v| v[0x21] &= !4) };
    "object id: in $ObjId" ObjectIdIndex |e| { let n = extend(e, "$ObjId"); e.entry(n, "$O", any_key, |x| x[16] ^= 0x80) };
    "object id: file in $ObjId" ObjectIdIndex |e| { let n = extend(e, "$ObjId"); e.entry(n, "$O", any_key, |x| x[32] ^= 1) };
    "object id: not in $ObjId" ObjectIdIndex |e| { let n = extend(e, "$ObjId"); e.remove_entry(n, "$O", any_key) };
    "object id: in the file" ObjectIdIndex |e| { let n = e.record_of(r"deep\a"); e.value(n, OBJECT_ID, "", |v| v[3] ^= 0x80) };
    // Encryption.
    "encryption: attribute without $EFS" Encryption |e| { let n = e.record_of(SMALL); e.value(n, SI, "", |v| v[0x21] |= 0x40) };
    "encryption: ciphertext without $EFS" Encryption |e| kernel_data(e, |a| a[13] |= 0x40);

    // The other system files.
    "$AttrDef: one byte" AttributeDefinitions |e| { let at = e.data_at(4, DATA, "", 0); e.flip(at + 0x8c, 1) };
    "$UpCase: ASCII" UpcaseTable |e| { let at = e.data_at(10, DATA, "", 0); e.flip(at + u64::from(b'q') * 2, 1) };
    "$UpCase: beyond ASCII" UpcaseTable |e| { let at = e.data_at(10, DATA, "", 0x1e01 * 2); e.flip(at, 2) };
    "$UpCase: CRC in $Info" UpcaseInformation |e| e.value(10, DATA, "$Info", |v| v[8] ^= 1);
    "$Volume: dirty" VolumeDirty |e| e.value(3, 0x70, "", |v| v[10] |= 1);
    "$Volume: version" VolumeInformation |e| e.value(3, 0x70, "", |v| v[8] = 9);
    "$LogFile: garbage" LogFile |e| { let at = e.data_at(2, DATA, "", 0); e.write(at, b"garbage") };
};

/// Faults in the volume that ntfs-3g wrote: what wimlib does not carry.
pub(crate) const TREE_FAULTS: &[Fault] = faults! {
    "ea: packed size" ExtendedAttributeInformation |e| { let n = e.record_of(r"names\zz"); e.value(n, 0xd0, "", |v| v[0] ^= 1) };
    "ea: size" ExtendedAttributeInformation |e| { let n = e.record_of(r"names\zz"); e.value(n, 0xd0, "", |v| v[4] ^= 4) };
    "ea: value longer than the list" ExtendedAttributes |e| { let n = e.record_of(r"names\zz"); e.value(n, 0xe0, "", |v| v[6] ^= 0x40) };
    "compression: unit" CompressionUnit |e| { let n = e.record_of(r"packed\numbers"); e.edit(n, DATA, "", |a| a[0x22] = 0) };
    "compression: attribute lost" FileAttributes |e| { let n = e.record_of(r"packed\numbers"); e.value(n, SI, "", |v| v[0x21] &= !8) };
    "compression: total allocated" SizeTotal |e| { let n = e.record_of(r"packed\numbers"); e.edit(n, DATA, "", |a| { let v = read_u64(a, 0x40); put_u64(a, 0x40, v + 4096) }) };
};
