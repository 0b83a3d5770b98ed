//! Edits a volume in memory and takes the edits back.

use std::io::Cursor;

use ntfs_image::Limits;
use ntfs_image::read::{Attribute, RawEntry, Value, Volume};

/// A volume in memory, with the bytes that were overwritten.
pub(crate) struct Editor {
    pub(crate) bytes: Vec<u8>,
    undo: Vec<(usize, Vec<u8>)>,
}

impl Editor {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            undo: Vec::new(),
        }
    }

    pub(crate) fn restore(&mut self) {
        for (at, old) in std::mem::take(&mut self.undo).into_iter().rev() {
            self.bytes[at..at + old.len()].copy_from_slice(&old);
        }
    }

    pub(crate) fn write(&mut self, at: u64, new: &[u8]) {
        let at = at as usize;
        self.undo.push((at, self.bytes[at..at + new.len()].to_vec()));
        self.bytes[at..at + new.len()].copy_from_slice(new);
    }

    pub(crate) fn flip(&mut self, at: u64, mask: u8) {
        let byte = self.bytes[at as usize] ^ mask;
        self.write(at, &[byte]);
    }

    pub(crate) fn volume(&self) -> Volume<Cursor<&[u8]>> {
        Volume::open(Cursor::new(&self.bytes[..]), &Limits::default()).expect("the base volume opens")
    }

    pub(crate) fn record_of(&self, path: &str) -> u64 {
        self.volume().lookup(path).expect(path).reference.record
    }

    pub(crate) fn record_at(&self, number: u64) -> u64 {
        self.volume().record_offset(number).expect("record")
    }

    pub(crate) fn cluster_bytes(&self) -> u64 {
        u64::from(self.volume().boot().cluster_bytes)
    }

    /// Edits a record as it is without update sequence; the mirror follows.
    pub(crate) fn record(&mut self, number: u64, edit: impl FnOnce(&mut [u8])) {
        let volume = self.volume();
        let (boot, at) = (*volume.boot(), self.record_at(number));
        let mut bytes = self.volume().record(number).expect("record").bytes().to_vec();
        edit(&mut bytes);
        protect(&mut bytes);
        self.write(at, &bytes);
        if number < 4 {
            let mirror = boot.cluster_offset(boot.mft_mirror_lcn) + number * u64::from(boot.record_bytes);
            self.write(mirror, &bytes);
        }
    }

    /// Offset in the record, and length, of an attribute.
    pub(crate) fn attribute(&self, number: u64, type_code: u32, name: &str) -> (usize, usize) {
        let name: Vec<u16> = name.encode_utf16().collect();
        let record = self.volume().record(number).expect("record");
        let found = record
            .attributes()
            .map(|a| a.expect("attribute"))
            .find(|a| a.type_code == type_code && a.name == name)
            .map(|a| (a.at, a.length));
        found.unwrap_or_else(|| panic!("attribute {type_code:#x} of record {number}"))
    }

    /// Edits one attribute, header included.
    pub(crate) fn edit(&mut self, number: u64, type_code: u32, name: &str, edit: impl FnOnce(&mut [u8])) {
        let (at, length) = self.attribute(number, type_code, name);
        self.record(number, |record| edit(&mut record[at..at + length]));
    }

    /// Edits the resident value of one attribute.
    pub(crate) fn value(&mut self, number: u64, type_code: u32, name: &str, edit: impl FnOnce(&mut [u8])) {
        self.edit(number, type_code, name, |attribute| {
            let at = usize::from(u16::from_le_bytes([attribute[20], attribute[21]]));
            edit(&mut attribute[at..]);
        });
    }

    /// Byte offset on the volume of a position in the data of an attribute.
    pub(crate) fn data_at(&self, number: u64, type_code: u32, name: &str, position: u64) -> u64 {
        let name: Vec<u16> = name.encode_utf16().collect();
        let file = self.volume().file(number).expect("file");
        let found: &Attribute = file.attribute(type_code, &name).expect("attribute");
        let Value::NonResident(value) = &found.value else {
            let (at, _) = self.attribute(number, type_code, &String::from_utf16_lossy(&name));
            let record = self.volume().record(number).expect("record");
            let value_at = u16::from_le_bytes([record.bytes()[at + 20], record.bytes()[at + 21]]);
            return record.at + at as u64 + u64::from(value_at) + position;
        };
        let cluster = self.cluster_bytes();
        let run = ntfs_image::read::runs::find(&value.runs, position / cluster).expect("run");
        run.lcn.expect("clusters") * cluster + position - run.vcn * cluster
    }

    /// Edits a block of an index as it is without update sequence.
    pub(crate) fn block(&mut self, number: u64, name: &str, vcn: u64, edit: impl FnOnce(&mut [u8])) {
        let units: Vec<u16> = name.encode_utf16().collect();
        let mut volume = self.volume();
        let file = volume.file(number).expect("file");
        let index = volume.index(&file, &units).expect("index");
        let node = volume.index_block(&index, vcn).expect("block");
        let (at, mut bytes) = (node.at, node.bytes);
        edit(&mut bytes);
        protect(&mut bytes);
        self.write(at, &bytes);
    }

    /// Where the first entry for which `wanted` holds is: its block (`None`: the root), offset, length.
    pub(crate) fn find_entry(
        &self,
        number: u64,
        name: &str,
        wanted: impl Fn(&RawEntry<'_>) -> bool,
    ) -> (Option<u64>, usize, usize) {
        let units: Vec<u16> = name.encode_utf16().collect();
        let mut volume = self.volume();
        let file = volume.file(number).expect("file");
        let index = volume.index(&file, &units).expect("index");
        let mut nodes = vec![index.root.clone()];
        while let Some(node) = nodes.pop() {
            for entry in node.entries().map(|entry| entry.expect("entry")) {
                if wanted(&entry) {
                    return (node.vcn, entry.at, entry.length);
                }
                if let Some(vcn) = entry.child {
                    nodes.push(volume.index_block(&index, vcn).expect("block"));
                }
            }
        }
        panic!("no such entry in index {name} of record {number}");
    }

    /// Edits the node that holds an entry; `edit` gets the node's bytes, the entry's offset and length.
    pub(crate) fn node(
        &mut self,
        number: u64,
        name: &str,
        wanted: impl Fn(&RawEntry<'_>) -> bool,
        edit: impl FnOnce(&mut [u8], usize, usize),
    ) {
        match self.find_entry(number, name, wanted) {
            (Some(vcn), at, length) => self.block(number, name, vcn, |node| edit(node, at, length)),
            (None, at, length) => self.value(number, 0x90, name, |root| edit(root, at, length)),
        }
    }

    /// Edits one entry.
    pub(crate) fn entry(
        &mut self,
        number: u64,
        name: &str,
        wanted: impl Fn(&RawEntry<'_>) -> bool,
        edit: impl FnOnce(&mut [u8]),
    ) {
        self.node(number, name, wanted, |node, at, length| {
            edit(&mut node[at..at + length]);
        });
    }

    /// Takes an entry of a leaf out.
    pub(crate) fn remove_entry(&mut self, number: u64, name: &str, wanted: impl Fn(&RawEntry<'_>) -> bool) {
        let in_root = self.find_entry(number, name, &wanted).0.is_none();
        let header = if in_root { 16 } else { 24 };
        self.node(number, name, wanted, |node, at, length| {
            let used = read_u32(node, header + 4) as usize;
            let end = header + used;
            node.copy_within(at + length..end, at);
            put_u32(node, header + 4, (used - length) as u32);
            if in_root {
                put_u32(node, header + 8, (used - length) as u32);
            }
        });
        if in_root {
            let (at, _) = self.attribute(number, 0x90, name);
            let length = self.volume().record(number).expect("record").bytes().to_vec();
            let value = read_u32(&length, at + 16);
            let used = {
                let root_at = at + usize::from(u16::from_le_bytes([length[at + 20], length[at + 21]]));
                read_u32(&length, root_at + 16 + 4)
            };
            assert!(value >= used + 16);
            self.edit(number, 0x90, name, |attribute| put_u32(attribute, 16, used + 16));
        }
    }
}

/// Puts the update sequence into a record or block.
pub(crate) fn protect(bytes: &mut [u8]) {
    let array = usize::from(u16::from_le_bytes([bytes[4], bytes[5]]));
    let number = [bytes[array], bytes[array + 1]];
    for index in 0..bytes.len() / 512 {
        let (tail, slot) = (index * 512 + 510, array + 2 + index * 2);
        let original = [bytes[tail], bytes[tail + 1]];
        bytes[slot..slot + 2].copy_from_slice(&original);
        bytes[tail..tail + 2].copy_from_slice(&number);
    }
}

pub(crate) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub(crate) fn read_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

pub(crate) fn put_u16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u64(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}
