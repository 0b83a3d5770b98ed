//! The edited tree as an NTFS builder, and blobs on their way from the image to the volume.

use std::io::{Seek, Write};
use std::path::Path;

use ntfs_image::{
    Content as VolumeContent, Metadata, NodeSpec, NtfsBuilder, Placement, ReparsePoint, SecurityRef,
    StreamForm, StreamKey, StreamSpec, VolumeSpec, VolumeWriter, Warning,
};
use wim_apply::Wim;
use wim_apply::apply::{
    BlobInfo, BlobSink, CompactFormat, Control, Form, TargetError, VerifyVerbatim, Want, deliver,
};

use crate::collect::apply_options;
use crate::compact::CompactPolicy;
use crate::spec::Verify;
use crate::tree::{Content, Node, Reparse, Tree};
use crate::{Error, Progress, Result, RunOptions};

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
            data: data.clone(),
        }),
        Some(Reparse {
            data: Content::Blob { hash, .. },
            ..
        }) => {
            return Err(Error::Unsupported(format!("reparse data {hash} was not read")));
        }
    };
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
        streams: node
            .streams
            .iter()
            .map(|stream| StreamSpec {
                name: stream.name.to_vec(),
                content: match &stream.content {
                    Content::Blob { id, size_bytes, .. } => VolumeContent::Keyed {
                        key: StreamKey(u64::from(id.0)),
                        size_bytes: *size_bytes,
                    },
                    Content::Bytes(bytes) => VolumeContent::Bytes(bytes.clone()),
                },
                sparse: node.attributes & 0x200 != 0,
                placement: Placement::Ascending,
            })
            .collect(),
        ..NodeSpec::default()
    })
}

/// Hands blobs to the volume.
struct VolumeSink<'a, W: Write + Seek> {
    writer: &'a mut VolumeWriter<W>,
    policy: &'a CompactPolicy,
}

impl<W: Write + Seek> BlobSink for VolumeSink<'_, W> {
    fn want(&mut self, blob: &BlobInfo) -> Want {
        // Sparse files, and streams that are not files' own data, are never compact.
        match self.writer.compact_record_bytes(StreamKey(u64::from(blob.id.0))) {
            Some(record_bytes) => self.policy.want(blob.id, record_bytes),
            None => Want::Decoded,
        }
    }

    fn begin_blob(&mut self, blob: &BlobInfo, form: Form, stored_bytes: u64) -> Result<(), TargetError> {
        let form = match form {
            Form::Decoded => StreamForm::Plain,
            Form::Compact(format) if self.policy.is_only_in_clusters(blob.id) => {
                StreamForm::CompactInClusters(compact_format(format))
            }
            Form::Compact(format) => StreamForm::Compact(compact_format(format)),
        };
        Ok(self
            .writer
            .begin_stream(StreamKey(u64::from(blob.id.0)), form, stored_bytes)?)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        Ok(self.writer.write(bytes)?)
    }

    fn end_blob(&mut self, _blob: &BlobInfo) -> Result<(), TargetError> {
        Ok(self.writer.end_stream()?)
    }
}

fn compact_format(format: CompactFormat) -> ntfs_image::CompactFormat {
    match format {
        CompactFormat::Xpress4K => ntfs_image::CompactFormat::Xpress4K,
        CompactFormat::Lzx32K => ntfs_image::CompactFormat::Lzx32K,
        CompactFormat::Xpress8K => ntfs_image::CompactFormat::Xpress8K,
        CompactFormat::Xpress16K => ntfs_image::CompactFormat::Xpress16K,
    }
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

/// Delivers every data blob of the tree to the volume.
#[expect(
    clippy::too_many_arguments,
    reason = "joins the two libraries; each argument belongs to one of them"
)]
pub(crate) fn deliver_to<W: Write + Seek>(
    writer: &mut VolumeWriter<W>,
    wim: &Wim,
    path: &Path,
    tree: &Tree,
    policy: &CompactPolicy,
    verify: Verify,
    options: &RunOptions<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let mut apply = apply_options(options);
    apply.verify_verbatim = match verify {
        Verify::Inline => VerifyVerbatim::Inline,
        Verify::Deferred => VerifyVerbatim::Deferred,
    };
    let mut control = Control {
        interrupt: options.interrupt,
        progress: &mut |p| {
            progress(Progress {
                phase: "windows",
                done_bytes: p.bytes_done,
                total_bytes: p.bytes_total,
            });
        },
        paths: &|blob| tree.paths_of_blob(blob),
    };
    let mut sink = VolumeSink { writer, policy };
    deliver(wim, &tree.data_blobs(), &mut sink, &apply, &mut control)
        .map(drop)
        .map_err(|error| Error::from_wim(path, error))
}
