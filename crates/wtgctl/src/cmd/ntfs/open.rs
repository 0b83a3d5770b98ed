//! Opening a volume: a file of its own, or a partition.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use ntfs_image::Limits;
use ntfs_image::read::Volume;
use partitioner::{Window, find_partition};

use super::VolumeArgs;
use crate::failure::Failure;
use crate::i18n::Message;

/// The bytes of the volume.
pub(super) fn window(args: &VolumeArgs) -> Result<Window<File>, Failure> {
    let name = args.volume.display().to_string();
    let mut file = File::open(&args.volume).map_err(|error| Failure::io(&name, &error))?;
    let (first_byte, size_bytes) = match args.partition {
        Some(number) => find_partition(&mut file, number, &partitioner::Limits::default())
            .map_err(|error| Failure::from(error).at(&name))?,
        None => (
            0,
            file.seek(SeekFrom::End(0))
                .map_err(|error| Failure::io(&name, &error))?,
        ),
    };
    Ok(Window::new(file, first_byte, size_bytes))
}

/// The volume.
pub(super) fn open(args: &VolumeArgs) -> Result<Volume<Window<File>>, Failure> {
    Volume::open(window(args)?, &Limits::default()).map_err(|error| {
        let failure = Failure::from(error).at(args.volume.display());
        match args.partition {
            Some(_) => failure,
            None => failure.hint(Message::HintPartition),
        }
    })
}
