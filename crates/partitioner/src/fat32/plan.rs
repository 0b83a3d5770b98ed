//! Laying the tree out: aliases, directory sizes, clusters.

use super::build::{FatBuilder, Kind};
use super::geometry::Geometry;
use super::layout::{ENTRY_BYTES, LFN_UNITS, MAX_DIRECTORY_BYTES, ROOT_CLUSTER};
use super::names::{Aliases, as_short, join, says_it_all};
use super::spec::{Attributes, FatTimes};
use crate::error::{Error, Result};

/// A volume laid out: everything but the contents is decided. [`write`](Self::write) puts it on a medium.
#[derive(Debug)]
pub struct FatPlan {
    pub(super) tree: FatBuilder,
    pub(super) geometry: Geometry,
    /// By node.
    pub(super) placed: Vec<Placed>,
    /// Nodes in the order of their clusters: directories, then files.
    pub(super) order: Vec<usize>,
    used_clusters: u32,
}

/// A file or directory as it will be on the volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedEntry {
    /// Names joined by `/`, none in front, as [`FatVolume::walk`](super::FatVolume::walk) gives them.
    pub path: String,
    /// Attributes.
    pub attributes: Attributes,
    /// Times, to the precision of their fields.
    pub times: FatTimes,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Placed {
    pub(super) short: [u8; 11],
    pub(super) long: bool,
    pub(super) size_bytes: u64,
    /// 0 for an empty file.
    pub(super) first_cluster: u32,
    pub(super) clusters: u32,
}

impl FatBuilder {
    /// Lays the tree out.
    ///
    /// # Errors
    /// `NoSpace` with the volume size that would do; `Limit` for a directory over 65,536 entries.
    pub fn plan(self) -> Result<FatPlan> {
        let mut placed = vec![Placed::default(); self.nodes.len()];
        self.name(&mut placed)?;
        self.measure(&mut placed)?;
        let geometry = Geometry::for_size(self.spec.size_bytes, self.spec.sector_bytes)?;
        let used = clusters_for(&placed, &geometry);
        if used > u64::from(geometry.cluster_count) {
            return Err(Error::NoSpace {
                what: "files on the FAT32 volume",
                need_bytes: self.size_that_holds(&placed)?,
                have_bytes: self.spec.size_bytes,
            });
        }
        let is_directory = |&i: &usize| matches!(self.nodes[i].kind, Kind::Directory { .. });
        let (directories, files): (Vec<usize>, Vec<usize>) = (0..self.nodes.len()).partition(is_directory);
        let order: Vec<usize> = directories.into_iter().chain(files).collect();
        let mut next = ROOT_CLUSTER;
        for &index in &order {
            let place = &mut placed[index];
            // Bounded by `cluster_count` above.
            place.clusters = place.size_bytes.div_ceil(geometry.cluster_bytes()) as u32;
            if place.clusters > 0 {
                place.first_cluster = next;
                next += place.clusters;
            }
        }
        Ok(FatPlan {
            tree: self,
            geometry,
            placed,
            order,
            used_clusters: next - ROOT_CLUSTER,
        })
    }

    /// Decides every 8.3 name; names that are 8.3 already keep theirs.
    fn name(&self, placed: &mut [Placed]) -> Result<()> {
        for node in &self.nodes {
            let Kind::Directory { children, .. } = &node.kind else {
                continue;
            };
            let mut aliases = Aliases::default();
            for &child in children {
                if let Some(short) = as_short(&self.nodes[child].name) {
                    aliases.reserve(short);
                    placed[child].short = short;
                    placed[child].long = !says_it_all(&self.nodes[child].name, &short);
                }
            }
            for &child in children {
                let name = &self.nodes[child].name;
                if as_short(name).is_none() {
                    placed[child].long = true;
                    placed[child].short = aliases.make(name).ok_or(Error::Limit {
                        what: "8.3 names alike in one directory",
                        asked: 1_000_000,
                        limit: 999_999,
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Sizes in bytes of files and directories.
    fn measure(&self, placed: &mut [Placed]) -> Result<()> {
        for (index, node) in self.nodes.iter().enumerate() {
            placed[index].size_bytes = match &node.kind {
                Kind::File(content) => content.size_bytes(),
                Kind::Directory { children, .. } => {
                    let own = match index {
                        0 => usize::from(!self.spec.label.is_empty()),
                        _ => 2,
                    };
                    let entries: usize = children
                        .iter()
                        .map(|&child| match placed[child].long {
                            true => 1 + self.nodes[child].name.encode_utf16().count().div_ceil(LFN_UNITS),
                            false => 1,
                        })
                        .sum();
                    let bytes = ((own + entries) * ENTRY_BYTES) as u64;
                    if bytes > MAX_DIRECTORY_BYTES {
                        return Err(Error::Limit {
                            what: "entries of one FAT directory",
                            asked: (own + entries) as u64,
                            limit: MAX_DIRECTORY_BYTES / ENTRY_BYTES as u64,
                        });
                    }
                    // An empty directory still has a cluster.
                    bytes.max(1)
                }
            };
        }
        Ok(())
    }

    /// A volume size that holds the tree, at most one MiB more than the least.
    fn size_that_holds(&self, placed: &[Placed]) -> Result<u64> {
        const STEP: u64 = 1 << 20;
        let data: u64 = placed.iter().map(|p| p.size_bytes).sum();
        let mut size = self.spec.size_bytes.max(data).next_multiple_of(STEP);
        loop {
            let geometry = Geometry::for_size(size, self.spec.sector_bytes)?;
            let used = clusters_for(placed, &geometry);
            let missing = used.saturating_sub(u64::from(geometry.cluster_count));
            if missing == 0 {
                return Ok(size);
            }
            size += (missing * geometry.cluster_bytes()).next_multiple_of(STEP);
        }
    }
}

fn clusters_for(placed: &[Placed], geometry: &Geometry) -> u64 {
    let per = geometry.cluster_bytes();
    placed.iter().map(|p| p.size_bytes.div_ceil(per)).sum()
}

impl FatPlan {
    /// Everything in the tree but the root, directories before what is in them: what a comparison with a
    /// finished volume expects.
    #[must_use]
    pub fn entries(&self) -> Vec<PlannedEntry> {
        let nodes = &self.tree.nodes;
        let mut entries = Vec::with_capacity(nodes.len());
        let mut pending = vec![(0, String::new())];
        while let Some((at, folder)) = pending.pop() {
            let Kind::Directory { children, .. } = &nodes[at].kind else {
                continue;
            };
            for &child in children {
                let node = &nodes[child];
                let path = join(&folder, &node.name);
                entries.push(PlannedEntry {
                    path: path.clone(),
                    attributes: node.attributes,
                    times: node.times.stored(),
                });
                pending.push((child, path));
            }
        }
        entries
    }

    /// Serial number of the volume.
    #[must_use]
    pub fn volume_id(&self) -> u32 {
        self.tree.spec.volume_id
    }

    /// Bytes of a cluster.
    #[must_use]
    pub fn cluster_bytes(&self) -> u64 {
        self.geometry.cluster_bytes()
    }

    /// Clusters on the volume.
    #[must_use]
    pub fn cluster_count(&self) -> u32 {
        self.geometry.cluster_count
    }

    /// Clusters that the tree takes.
    #[must_use]
    pub fn used_clusters(&self) -> u32 {
        self.used_clusters
    }

    /// Bytes left for files.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        u64::from(self.geometry.cluster_count - self.used_clusters) * self.cluster_bytes()
    }

    /// Bytes that [`write`](Self::write) will write: everything from the start of the volume to the last used
    /// cluster, and the boot sector once more.
    #[must_use]
    pub fn write_bytes(&self) -> u64 {
        self.geometry.data_start_bytes()
            + u64::from(self.used_clusters) * self.cluster_bytes()
            + u64::from(self.geometry.sector_bytes)
    }
}
