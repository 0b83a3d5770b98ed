//! The EFI system partition: the image's own boot files and a boot store that names the real partitions.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use bootcfg::bcd::{BcdbootSpec, Firmware, LoaderIds, Store, bcdboot_store};
use bootcfg::files::{self, Architecture, ListedEntry, Locales, StageSpec};
use partitioner::fat32::{
    Attributes, Content as FatContent, FatBuilder, FatPlan, FatSpec, FatTime, FatTimes,
};
use partitioner::gpt::GptTable;
use uuid::Uuid;
use wim_apply::{BlobId, ImageInfo, Wim};

use crate::layout::Role;
use crate::spec::BootCa;
use crate::tree::{ATTRIBUTE_DIRECTORY, Content, Tree};
use crate::{Error, Result, Seed};
use wim_apply::path::name_to_text;

/// Where the boot manager looks for the store.
pub(crate) const BCD_PATH: &str = "\\EFI\\Microsoft\\Boot\\BCD";
/// Bytes of a program that hold its PE header.
const PE_HEADER_BYTES: u64 = 4096;

/// A boot file that is copied from the image.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    /// Path on the EFI system partition.
    pub(crate) target: String,
    /// FAT attributes.
    attributes: u8,
    /// FILETIMEs: creation, modification, access.
    times: [u64; 3],
    /// Its bytes; `None` for an empty file.
    pub(crate) blob: Option<BlobId>,
}

/// Boot files of an image.
#[derive(Clone, Debug)]
pub(crate) struct StagedBoot {
    pub(crate) architecture: Architecture,
    pub(crate) files: Vec<Staged>,
}

/// What is on the EFI system partition.
#[derive(Clone, Debug)]
pub(crate) struct BootContent {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) description: String,
    /// Every file, path and bytes; the index is the key of the volume's plan.
    pub(crate) contents: Vec<(String, Arc<Vec<u8>>)>,
    /// How the store is made for any disk.
    pub(crate) store: StoreText,
}

/// Finds the boot files in the tree.
pub(crate) fn stage(tree: &Tree, wim: &Wim, index: u32, boot_ca: BootCa) -> Result<StagedBoot> {
    let listing = |folder: &str| {
        let entry = tree.lookup(folder)?;
        let is_folder = |node| tree.node(node).attributes & ATTRIBUTE_DIRECTORY != 0;
        is_folder(tree.entry(entry).node).then_some(())?;
        let children = tree.entry(entry).children.iter().map(|&child| tree.entry(child));
        Some(
            children
                .map(|child| ListedEntry {
                    name: name_to_text(&child.name),
                    is_folder: is_folder(child.node),
                })
                .collect(),
        )
    };
    let boot_ca = match boot_ca {
        BootCa::Pca2011 => files::BootCa::Pca2011,
        BootCa::Ca2023 => files::BootCa::Ca2023,
    };
    let not_windows = |error: bootcfg::Error| match error {
        bootcfg::Error::NotWindows { path } => Error::NotWindows {
            index,
            reason: format!("it has no {path}"),
        },
        other => Error::Boot(other),
    };
    let boot_manager = files::uefi_boot_manager(&listing, boot_ca).map_err(not_windows)?;
    let architecture = Architecture::of_pe(&head_of(tree, wim, boot_manager)?).map_err(Error::Boot)?;
    let spec = StageSpec {
        firmware: Firmware::Uefi,
        architecture,
        boot_ca,
        locales: Locales::All,
    };
    let staged = files::stage(&listing, &spec).map_err(not_windows)?;
    let files = staged
        .into_iter()
        .map(|file| {
            let missing = || Error::NotWindows {
                index,
                reason: format!("{} cannot be found", file.source),
            };
            let node = tree.entry(tree.lookup(&file.source).ok_or_else(missing)?).node;
            let blob = match tree.unnamed_data(node) {
                Some(Content::Blob { id, .. }) => Some(*id),
                _ => None,
            };
            let node = tree.node(node);
            Ok(Staged {
                target: file.target,
                attributes: file.attributes,
                times: [node.creation_time, node.modification_time, node.access_time],
                blob,
            })
        })
        .collect::<Result<_>>()?;
    Ok(StagedBoot { architecture, files })
}

/// The first bytes of a file in the image.
fn head_of(tree: &Tree, wim: &Wim, path: &str) -> Result<Vec<u8>> {
    let content = tree
        .lookup(path)
        .and_then(|entry| tree.unnamed_data(tree.entry(entry).node));
    let Some(Content::Blob { id, .. }) = content else {
        return Ok(Vec::new());
    };
    let in_image = |source| Error::Wim {
        path: path.into(),
        source,
    };
    let mut head = Vec::new();
    wim.open_blob(*id)
        .map_err(in_image)?
        .take(PE_HEADER_BYTES)
        .read_to_end(&mut head)
        .map_err(|error| match error.downcast() {
            Ok(source) => in_image(source),
            Err(source) => Error::Io {
                op: "reading",
                path: path.into(),
                source,
            },
        })?;
    Ok(head)
}

/// Serial number of the EFI system partition's volume.
pub(crate) fn volume_id(seed: Seed) -> u32 {
    seed.serial("esp volume") as u32
}

/// Lays the EFI system partition out.
pub(crate) fn lay_out(
    seed: Seed,
    table: &GptTable,
    info: &ImageInfo,
    staged: &StagedBoot,
    early: &HashMap<BlobId, Arc<Vec<u8>>>,
    time: u64,
) -> Result<(BootContent, FatPlan)> {
    let esp = &table.partitions[Role::Esp.index()];
    let fat_time = FatTime::from_filetime(time);
    let mut builder = FatBuilder::new(FatSpec {
        size_bytes: esp.size_bytes(table.sector_bytes),
        sector_bytes: table.sector_bytes,
        hidden_sectors: u32::try_from(esp.first_lba).unwrap_or(0),
        volume_id: volume_id(seed),
        label: String::new(),
        time: fat_time,
    })
    .map_err(Error::Partitioner)?;
    let mut contents = Vec::with_capacity(staged.files.len() + 1);
    let mut add = |path: &str, bytes: Arc<Vec<u8>>, attributes, times: FatTimes| {
        let content = FatContent::Keyed {
            key: contents.len() as u64,
            size_bytes: bytes.len() as u64,
        };
        contents.push((path.to_owned(), bytes));
        builder
            .add_file(path, content, attributes, times)
            .map_err(Error::Partitioner)
    };
    for file in &staged.files {
        let bytes = match file.blob {
            None => Arc::default(),
            Some(id) => early
                .get(&id)
                .cloned()
                .ok_or_else(|| Error::Unsupported(format!("{}: its bytes were not read", file.target)))?,
        };
        let [created, modified, accessed] = file.times.map(FatTime::from_filetime);
        let times = FatTimes {
            created,
            modified,
            accessed,
        };
        add(&file.target, bytes, Attributes(file.attributes), times)?;
    }
    let text = StoreText::of(info);
    let ids = LoaderIds {
        loader: seed.guid("boot loader"),
        resume: seed.guid("resume loader"),
    };
    let windows = &table.partitions[Role::Windows.index()];
    let store = text
        .build(table.disk_guid, esp.guid, windows.guid, ids)
        .write(time)
        .map_err(Error::Boot)?;
    add(BCD_PATH, Arc::new(store), Attributes::NONE, fat_time.into())?;
    let boot = BootContent {
        files: contents.len() as u64,
        bytes: contents.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        description: format!(
            "\\EFI\\Boot\\{}, store {BCD_PATH}",
            staged.architecture.fallback_name()
        ),
        contents,
        store: text,
    };
    let plan = builder.plan().map_err(|error| match error {
        partitioner::Error::NoSpace {
            need_bytes,
            have_bytes,
            ..
        } => Error::Unsupported(format!(
            "the image's boot files need {need_bytes} bytes, the EFI system partition has {have_bytes}"
        )),
        other => Error::Partitioner(other),
    })?;
    Ok((boot, plan))
}

/// What a boot store says for people; the rest follows from the partitions.
#[derive(Clone, Debug)]
pub(crate) struct StoreText {
    description: Option<String>,
    locale: Option<String>,
}

impl StoreText {
    fn of(info: &ImageInfo) -> Self {
        let description = info
            .display_name
            .as_ref()
            .or(info.product_name.as_ref())
            .or(info.name.as_ref());
        Self {
            description: description.cloned(),
            locale: info.default_language.clone(),
        }
    }

    /// The store of a disk with these partitions.
    pub(crate) fn build(&self, disk: Uuid, esp: Uuid, windows: Uuid, ids: LoaderIds) -> Store {
        let mut spec = BcdbootSpec::uefi(disk, esp, windows, ids);
        if let Some(description) = &self.description {
            spec.description.clone_from(description);
        }
        if let Some(locale) = &self.locale {
            spec.locale.clone_from(locale);
        }
        bcdboot_store(&spec)
    }
}
