//! `cargo xtask kernel-job`: volumes mounted by a Linux kernel in QEMU, from the command line.

use std::path::{Path, PathBuf};

use testkit::kernel::{Driver, Job, run as run_job};

use crate::sh::Result;

/// Which driver does what with which volumes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The driver.
    #[arg(long, value_enum)]
    driver: DriverArg,
    /// Mount read-write, make, rename and remove files, and mount again. Changes the image files.
    #[arg(long)]
    write: bool,
    /// Print the manifest of each volume.
    #[arg(long)]
    print: bool,
    /// Volume images, each from its boot sector on.
    #[arg(required = true)]
    images: Vec<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum DriverArg {
    /// ntfs3 of Linux 6.12.
    Ntfs3,
    /// ntfs of Linux 7.1 and later: needs `cargo xtask oracles kernel-ntfs`.
    Ntfs,
    /// vfat.
    Vfat,
    /// udf.
    Udf,
    /// iso9660.
    Iso9660,
}

impl From<DriverArg> for Driver {
    fn from(driver: DriverArg) -> Self {
        match driver {
            DriverArg::Ntfs3 => Self::Ntfs3,
            DriverArg::Ntfs => Self::Ntfs,
            DriverArg::Vfat => Self::Vfat,
            DriverArg::Udf => Self::Udf,
            DriverArg::Iso9660 => Self::Iso9660,
        }
    }
}

/// Boots once, prints what was found; fails when a volume cannot be mounted, read or written.
pub(crate) fn run(args: &Args) -> Result {
    let images: Vec<&Path> = args.images.iter().map(PathBuf::as_path).collect();
    let job = if args.write { Job::Write } else { Job::Read };
    let found = run_job(&images, args.driver.into(), job).ok_or("oracles are missing")?;
    let mut failed = Vec::new();
    for (image, found) in images.iter().zip(&found) {
        println!("{}: {} paths", image.display(), found.manifest.0.len());
        if args.print {
            print!("{}", found.manifest.to_text());
        }
        print!("{}", found.messages);
        if let Some(error) = &found.error {
            println!("{error}");
            failed.push(image.display().to_string());
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("faults in {}", failed.join(", ")).into())
    }
}
