//! Files that are one thing: WIM, ISO, hive, boot configuration store.

use std::io::{Read, Seek};

use bootcfg::bcd::Store;
use iso_loopback::{ErrorKind, IsoImage};
use regf_hive::Hive;

use super::Thing;
use super::volumes::damaged;

/// A WIM, ESD or SWM.
pub(super) fn wim(reader: impl Read + Seek + Send + 'static) -> Thing {
    let thing = Thing::new("wim", "Windows image file (WIM, ESD or SWM)");
    let wim = match wim_apply::Wim::open(reader, &wim_apply::Limits::default()) {
        Ok(wim) => wim,
        Err(error) => return damaged(thing, &error),
    };
    let header = wim.header();
    let mut thing = thing
        .fact("guid", uuid::Uuid::from_bytes_le(header.guid).to_string())
        .fact("part_number", header.part_number)
        .fact("part_count", header.part_count)
        .fact("chunk_bytes", header.chunk_bytes)
        .fact("blobs", wim.blobs().len() as u64);
    for image in wim.images() {
        thing.children.push(
            Thing::new("image", crate::prepare::describe_image(image))
                .fact("index", image.index)
                .maybe("edition_id", image.edition_id.clone())
                .maybe("total_bytes", image.total_bytes),
        );
    }
    thing
}

/// An ISO or UDF image that is known to be one.
pub(super) fn iso(reader: impl Read + Seek) -> Thing {
    match IsoImage::open(reader, &iso_loopback::Limits::default()) {
        Ok(image) => iso_facts(image),
        Err(error) => damaged(Thing::new("iso", "disc image"), &error),
    }
}

/// An ISO or UDF image, when it is one.
pub(super) fn try_iso(reader: impl Read + Seek) -> Option<Thing> {
    match IsoImage::open(reader, &iso_loopback::Limits::default()) {
        Ok(image) => Some(iso_facts(image)),
        Err(error) if matches!(error.kind(), ErrorKind::NotAnImage | ErrorKind::Truncated) => None,
        Err(error) => Some(damaged(Thing::new("iso", "disc image"), &error)),
    }
}

fn iso_facts<R: Read + Seek>(mut image: IsoImage<R>) -> Thing {
    let info = image.volume_info();
    let views: Vec<String> = info.views.iter().map(ToString::to_string).collect();
    let mut thing = Thing::new("iso", format!("disc image ({})", views.join(", "))).fact("label", info.label);
    let windows = [
        "sources/install.wim",
        "sources/install.esd",
        "sources/install.swm",
    ]
    .into_iter()
    .find(|path| image.lookup_ignore_case(path).is_ok());
    thing = thing.maybe("windows_image", windows);
    match image.boot_catalog() {
        Ok(catalog) => thing.fact("bootable", catalog.is_some()),
        Err(error) => damaged(thing, &error),
    }
}

/// A registry hive, or the boot configuration store that it holds.
pub(super) fn hive(bytes: &[u8]) -> Thing {
    let limits = regf_hive::Limits::default();
    let hive = match Hive::read_dirty(bytes, &limits) {
        Ok(hive) => hive,
        Err(error) => return damaged(Thing::new("hive", "registry hive"), &error),
    };
    let is_store = hive.key("Objects").is_some() && hive.key("Description").is_some();
    let (kind, title) = if is_store {
        ("bcd", "boot configuration store")
    } else {
        ("hive", "registry hive")
    };
    let header = hive.header();
    let mut thing = Thing::new(kind, title)
        .fact("version", format!("1.{}", header.minor_version()))
        .fact("dirty", header.is_dirty())
        .fact("file_name", header.file_name())
        .fact("keys", hive.root().walk().count() as u64);
    if is_store {
        match Store::read(bytes, &limits) {
            Ok(store) => thing = thing.fact("objects", store.objects.len() as u64),
            Err(error) => return damaged(thing, &error),
        }
    }
    thing
}
