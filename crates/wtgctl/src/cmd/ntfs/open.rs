//! Opening a volume: a file of its own, or a partition; and a file of it.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use ntfs_image::read::{self, Volume};
use ntfs_image::{Error, Limits};
use partitioner::{Window, find_partition};
use wim_apply::path::name_from_text;

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

/// A file by its path as `ls` prints it.
pub(super) fn lookup(volume: &mut Volume<Window<File>>, path: &str) -> Result<read::File, Failure> {
    Ok(find(volume, path)?)
}

/// A file and the name of a stream of it, by `path` or `path:stream`. Names can have a `:` themselves: a file of the
/// whole name goes first.
pub(super) fn lookup_stream(
    volume: &mut Volume<Window<File>>,
    text: &str,
) -> Result<(read::File, Vec<u16>), Failure> {
    match (find(volume, text), text.rsplit_once(':')) {
        (Err(Error::NotFound { .. }), Some((path, stream))) => {
            Ok((find(volume, path)?, name_from_text(stream)))
        }
        (found, _) => Ok((found?, Vec::new())),
    }
}

fn find(volume: &mut Volume<Window<File>>, path: &str) -> Result<read::File, Error> {
    let parts = path.split(['\\', '/']).filter(|part| !part.is_empty());
    let names: Vec<Vec<u16>> = parts.map(name_from_text).collect();
    volume.lookup_names(&names).map_err(|error| match error {
        Error::NotFound { what, .. } => Error::NotFound {
            what,
            name: path.to_owned(),
        },
        other => other,
    })
}
