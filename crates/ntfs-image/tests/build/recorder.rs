//! A builder that remembers what it was given, so that readers can be asked whether they find it.

use std::collections::BTreeMap;

use ntfs_image::{
    Content, NodeId, NodeSpec, NtfsBuilder, SecurityRef, StreamForm, StreamKey, StreamSpec, VolumeSpec,
};
use testkit::manifest::{Facts, Manifest, escape, hex, sha1_hex};

use crate::support::{Volume, build};

/// A name that was given: parent, node, name, DOS name.
pub(crate) type Given = (u32, u32, Vec<u16>, Option<Vec<u16>>);

/// Everything that was described and delivered.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) builder: NtfsBuilder,
    pub(crate) nodes: Vec<NodeSpec>,
    pub(crate) names: Vec<Given>,
    descriptors: BTreeMap<SecurityRef, Vec<u8>>,
    pub(crate) deliveries: Vec<(StreamKey, StreamForm, Vec<u8>)>,
    /// Content of keys delivered compact.
    plain: BTreeMap<StreamKey, Vec<u8>>,
}

impl Recorder {
    pub(crate) fn new(spec: VolumeSpec) -> Self {
        Self {
            builder: NtfsBuilder::new(spec),
            nodes: vec![NodeSpec::directory()],
            names: Vec::new(),
            descriptors: BTreeMap::new(),
            deliveries: Vec::new(),
            plain: BTreeMap::new(),
        }
    }

    pub(crate) fn root(&self) -> NodeId {
        self.builder.root()
    }

    pub(crate) fn add_security_descriptor(&mut self, descriptor: &[u8]) -> SecurityRef {
        let security = self.builder.add_security_descriptor(descriptor);
        self.descriptors.insert(security, descriptor.to_vec());
        security
    }

    pub(crate) fn add_node(&mut self, node: NodeSpec) -> NodeId {
        self.nodes.push(node.clone());
        self.builder.add_node(node)
    }

    pub(crate) fn add_name(&mut self, parent: NodeId, node: NodeId, name: &[u16], dos: Option<&[u16]>) {
        self.names
            .push((parent.0, node.0, name.to_vec(), dos.map(<[u16]>::to_vec)));
        self.builder.add_name(parent, node, name, dos);
    }

    pub(crate) fn add(&mut self, parent: NodeId, name: &str, node: NodeSpec) -> NodeId {
        let node = self.add_node(node);
        self.add_name(parent, node, &name.encode_utf16().collect::<Vec<_>>(), None);
        node
    }

    pub(crate) fn deliver(&mut self, key: StreamKey, form: StreamForm, stored: Vec<u8>, plain: Vec<u8>) {
        self.deliveries.push((key, form, stored));
        self.plain.insert(key, plain);
    }

    pub(crate) fn build(self) -> (Volume, Recorded) {
        let Self {
            builder,
            nodes,
            names,
            descriptors,
            deliveries,
            plain,
        } = self;
        let volume = build(builder, &deliveries);
        (
            volume,
            Recorded {
                nodes,
                names,
                descriptors,
                deliveries,
                plain,
            },
        )
    }
}

/// What a volume was made from.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) nodes: Vec<NodeSpec>,
    pub(crate) names: Vec<Given>,
    descriptors: BTreeMap<SecurityRef, Vec<u8>>,
    deliveries: Vec<(StreamKey, StreamForm, Vec<u8>)>,
    plain: BTreeMap<StreamKey, Vec<u8>>,
}

impl Recorded {
    /// Plain bytes of a stream.
    pub(crate) fn plain(&self, stream: &StreamSpec) -> Vec<u8> {
        match &stream.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Keyed { key, .. } => self.plain.get(key).cloned().unwrap_or_default(),
        }
    }

    /// Form and stored bytes when a node is compact.
    pub(crate) fn compact(&self, node: &NodeSpec) -> Option<(ntfs_image::CompactFormat, &[u8])> {
        let unnamed = node.streams.iter().find(|stream| stream.name.is_empty())?;
        let Content::Keyed { key, .. } = unnamed.content else {
            return None;
        };
        self.deliveries
            .iter()
            .find_map(|(other, form, bytes)| match form {
                StreamForm::Compact(format) if *other == key => Some((*format, bytes.as_slice())),
                _ => None,
            })
    }

    /// Attributes that readers must see, the directory bit left out.
    pub(crate) fn attributes(&self, node: &NodeSpec) -> u32 {
        let mut out = node.metadata.attributes & !(0x10 | 0x80 | 0x800);
        let unnamed = node.streams.iter().find(|stream| stream.name.is_empty());
        if unnamed.is_some_and(|stream| stream.sparse && !self.plain(stream).is_empty()) {
            out |= 0x200;
        }
        if node.reparse.is_some() {
            out |= 0x400;
        }
        if self.compact(node).is_some() {
            out |= 0x600;
        }
        out
    }

    /// What ntfs-3g must find, apart from the root directory.
    pub(crate) fn manifest(&self) -> Manifest {
        let mut parents: BTreeMap<u32, (u32, &[u16])> = BTreeMap::new();
        let mut links: BTreeMap<u32, u32> = BTreeMap::new();
        for (parent, node, name, dos) in &self.names {
            parents.insert(*node, (*parent, name));
            *links.entry(*node).or_default() += 1 + u32::from(dos.is_some());
        }
        let mut out = Manifest::default();
        let mut groups: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for (parent, index, name, dos) in &self.names {
            let mut path = wtf8(name);
            let mut at = *parent;
            while at != 0 {
                let (above, name) = parents[&at];
                path = [wtf8(name), vec![b'/'], path].concat();
                at = above;
            }
            let path = escape(&path);
            groups.entry(*index).or_default().push(path.clone());
            let node = &self.nodes[*index as usize];
            let mut facts = self.facts(node);
            if node.metadata.attributes & 0x10 == 0 && !facts.contains_key("reparse") {
                // DOS names count, too.
                facts.insert("links".into(), links[index].to_string());
            }
            if let Some(dos) = dos {
                facts.insert("dos_name".into(), String::from_utf16_lossy(dos));
            }
            out.0.insert(path, facts);
        }
        for mut paths in groups.into_values().filter(|paths| paths.len() > 1) {
            paths.sort();
            for path in &paths {
                if let Some(facts) = out.0.get_mut(path) {
                    facts.insert("first_link".into(), paths[0].clone());
                }
            }
        }
        out
    }

    fn facts(&self, node: &NodeSpec) -> Facts {
        let mut facts = Facts::new();
        let directory = node.metadata.attributes & 0x10 != 0;
        let attributes = self.attributes(node);
        facts.insert("attributes".into(), format!("{attributes:08x}"));
        for (name, time) in [
            ("created", node.metadata.creation_time),
            ("modified", node.metadata.modification_time),
            ("accessed", node.metadata.access_time),
        ] {
            facts.insert(name.into(), time.to_string());
        }
        if let Some(security) = node.metadata.security {
            facts.insert("acl".into(), sha1_hex(&self.descriptors[&security]));
        }
        if let Some(id) = &node.object_id {
            facts.insert("object_id".into(), hex(&id[..16]));
        }
        if let Some(reparse) = &node.reparse {
            let guid = if reparse.tag & 0x8000_0000 == 0 { 16 } else { 0 };
            let mut value = reparse.tag.to_le_bytes().to_vec();
            value.extend(((reparse.data.len() - guid) as u16).to_le_bytes());
            value.extend([0, 0]);
            value.extend(&*reparse.data);
            facts.insert("reparse".into(), hex(&value));
            return facts;
        }
        if let Some((format, _)) = self.compact(node) {
            let number = format as u8;
            let number = [0u8, 1, 2, 3][usize::from(number)];
            facts.insert(
                "reparse".into(),
                format!("17000080100000000100000002000000010000000{number}000000"),
            );
            return facts;
        }
        if !directory {
            facts.insert("type".into(), "file".into());
            let empty = StreamSpec::unnamed(Content::Bytes(Vec::new()));
            let unnamed = node
                .streams
                .iter()
                .find(|stream| stream.name.is_empty())
                .unwrap_or(&empty);
            let bytes = self.plain(unnamed);
            facts.insert("size".into(), bytes.len().to_string());
            facts.insert("sha1".into(), sha1_hex(&bytes));
        } else {
            facts.insert("type".into(), "dir".into());
        }
        for stream in node.streams.iter().filter(|stream| !stream.name.is_empty()) {
            let name = String::from_utf16_lossy(&stream.name);
            facts.insert(format!("sha1:{name}"), sha1_hex(&self.plain(stream)));
        }
        facts
    }
}

/// UTF-16 as bytes; an unpaired surrogate becomes the three bytes that UTF-8 would give its number.
fn wtf8(units: &[u16]) -> Vec<u8> {
    let mut out = Vec::new();
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(character) => out.extend(character.encode_utf8(&mut [0; 4]).bytes()),
            Err(error) => {
                let unit = error.unpaired_surrogate();
                let low = |value: u16| (value & 0x3F) as u8 | 0x80;
                out.extend([(unit >> 12) as u8 | 0xE0, low(unit >> 6), low(unit)]);
            }
        }
    }
    out
}
