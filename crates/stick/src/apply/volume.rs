//! The edited tree as an NTFS builder.

use std::sync::Arc;

use ntfs_image::{
    Content as VolumeContent, Metadata, NodeSpec, NtfsBuilder, Placement, ReparsePoint, SecurityRef,
    StreamKey, StreamSpec, VolumeSpec, Warning,
};

use super::encrypted::describe_encrypted;
use crate::tree::{ATTRIBUTE_SPARSE, Content, Node, Reparse, Tree};
use crate::{Error, Result};

/// `FILE_ATTRIBUTE_REPARSE_POINT`.
const ATTRIBUTE_REPARSE_POINT: u32 = 0x400;

/// Describes the whole volume to a builder.
///
/// # Errors
/// When the volume cannot hold the tree; the error names what and where.
pub(crate) fn describe(tree: &Tree, spec: VolumeSpec) -> Result<NtfsBuilder> {
    let mut builder = NtfsBuilder::new(spec);
    let descriptors: Vec<SecurityRef> = tree
        .security_descriptors
        .iter()
        .map(|descriptor| builder.add_security_descriptor(descriptor))
        .collect();
    let root = tree.entry(tree.root()).node;
    let mut nodes = Vec::with_capacity(tree.nodes.len());
    for (index, node) in tree.nodes.iter().enumerate() {
        let spec = node_spec(node, &descriptors)?;
        if index == root.0 as usize {
            builder.set_root(spec);
            nodes.push(builder.root());
        } else {
            nodes.push(builder.add_node(spec));
        }
    }
    for entry in tree.entries.iter().skip(1) {
        let parent = nodes[tree.entry(entry.parent).node.0 as usize];
        let dos_name = (!entry.dos_name.is_empty()).then_some(&*entry.dos_name);
        builder.add_name(parent, nodes[entry.node.0 as usize], &entry.name, dos_name);
    }
    Ok(builder)
}

fn node_spec(node: &Node, descriptors: &[SecurityRef]) -> Result<NodeSpec> {
    let mut attributes = node.attributes;
    if node.reparse.is_none() {
        attributes &= !ATTRIBUTE_REPARSE_POINT;
    }
    let reparse = match &node.reparse {
        None => None,
        Some(Reparse {
            tag,
            reserved,
            data: Content::Bytes(data),
        }) => Some(ReparsePoint {
            tag: *tag,
            reserved: *reserved,
            data: Arc::clone(data),
        }),
        Some(Reparse {
            data: Content::Blob { hash, .. },
            ..
        }) => {
            return Err(Error::Unsupported(format!("reparse data {hash} was not read")));
        }
    };
    let (efs, mut streams) = match &node.encrypted {
        None => (None, Vec::with_capacity(node.streams.len())),
        Some(encrypted) => {
            let (efs, streams) = describe_encrypted(node, encrypted)?;
            (Some(efs), streams)
        }
    };
    streams.extend(node.streams.iter().map(|stream| StreamSpec {
        name: stream.name.to_vec(),
        content: match &stream.content {
            Content::Blob { id, size_bytes, .. } => VolumeContent::Keyed {
                key: StreamKey(u64::from(id.0)),
                size_bytes: *size_bytes,
            },
            Content::Bytes(bytes) => VolumeContent::Bytes(bytes.to_vec()),
        },
        sparse: node.attributes & ATTRIBUTE_SPARSE != 0,
        placement: Placement::Ascending,
        encrypted: None,
    }));
    Ok(NodeSpec {
        metadata: Metadata {
            attributes,
            creation_time: node.creation_time,
            modification_time: node.modification_time,
            change_time: node.modification_time,
            access_time: node.access_time,
            security: node
                .security
                .and_then(|index| descriptors.get(index as usize).copied()),
        },
        reparse,
        object_id: node.object_id.clone(),
        extended_attributes: node.extended_attributes.clone(),
        efs,
        streams,
        ..NodeSpec::default()
    })
}

/// A warning of the builder, for people.
pub(crate) fn describe_warning(warning: &Warning) -> String {
    match warning {
        Warning::CompressionDropped { nodes } => {
            format!(
                "{nodes} files and directories that the image declares NTFS-compressed are stored uncompressed"
            )
        }
        Warning::DosNamesDropped { names } => {
            format!("{names} DOS names are dropped: illegal, or already used in their directory")
        }
        Warning::NamesDifferOnlyInCase { names } => {
            format!(
                "{names} names differ from another one only in letter case; Windows finds just one of them"
            )
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_the_same_reparse_data_share_them() {
        let blob = Content::Blob {
            id: wim_apply::BlobId(7),
            hash: wim_apply::BlobHash::ZERO,
            size_bytes: 3,
        };
        let node = Node {
            reparse: Some(Reparse {
                tag: 0xA000_000C,
                reserved: 0,
                data: blob,
            }),
            ..Node::default()
        };
        let mut tree = Tree::empty();
        tree.add(tree.root(), "a", node.clone());
        tree.add(tree.root(), "b", node);
        let data = Arc::new(vec![1, 2, 3]);
        tree.resolve_reparse_points(|_| Some(Arc::clone(&data)));
        for node in &tree.nodes[1..] {
            let spec = node_spec(node, &[]).unwrap();
            assert!(Arc::ptr_eq(&spec.reparse.unwrap().data, &data));
        }
    }
}
